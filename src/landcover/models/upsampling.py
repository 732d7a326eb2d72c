"""Bilinear upsampling that is deterministic on every device, and fast.

On a GPU, PyTorch's own backward pass adds up in an order that changes from run to run. Told to be deterministic, as
`system.devices.make_repeatable` tells it, PyTorch takes a general substitute that sorts the indices of all pixels.
Interpolation along an axis is a product with a small matrix. With it, an H200 trained on 1.2 times (deeplabv3 on
resnet50) to 1.65 times (fcn1s on mobilenet_v3_large) as many images per second as with the substitute.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional


class BilinearUpsampling(nn.Upsample):
    """Enlarge (N, C, H, W) by a whole factor to (N, C, H * factor, W * factor)."""

    def __init__(self, factor: int) -> None:
        super().__init__(scale_factor=factor, mode="bilinear", align_corners=False)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H * factor, W * factor)."""
        if _is_quick(x):
            return super().forward(x)
        height, width = x.shape[-2:]
        return by_products(x, height * self.factor, width * self.factor)


def upsample(x: Tensor, height: int, width: int) -> Tensor:
    """Enlarge (N, C, H, W) bilinearly to (N, C, height, width)."""
    if _is_quick(x):
        return functional.interpolate(x, (height, width), mode="bilinear", align_corners=False)
    return by_products(x, height, width)


def by_products(x: Tensor, height: int, width: int) -> Tensor:
    """Enlarge (N, C, H, W) bilinearly to (N, C, height, width), by a matrix product along each axis."""
    rows, columns = x.shape[-2:]
    x = x @ _interpolation(columns, width, x.device, x.dtype)  # (N, C, H, width)
    return _interpolation(rows, height, x.device, x.dtype).T @ x  # (N, C, height, width)


def _is_quick(x: Tensor) -> bool:
    """Whether PyTorch's interpolation is deterministic and fast: all but a GPU's. Exported graphs have it as well."""
    return not x.is_cuda or torch.compiler.is_exporting()


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # also where a network labels: the next one to ask may train
def _interpolation(length: int, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Weights (length, size) of each of `length` values in each of `size` interpolated ones, as `align_corners=False`.

    An interpolated value lies between two others; the nearer one has the larger weight.
    """
    position = (torch.arange(size, device=device) + 0.5) * (length / size) - 0.5
    distance = position.clamp(0, length - 1) - torch.arange(length, device=device)[:, None]
    return (1 - distance.abs()).clamp(min=0).to(dtype)
