"""Random transforms of a batch that leave its labels true.

Random numbers are drawn on the CPU for the whole batch, so that they are the same on every device and for any number of
processes. The images are transformed on the device that they are on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from landcover.images.image_spec import RGB, ImageSpec
from landcover.models.networks import to_input

SYMMETRY = {"none": (False, False, False), "flip": (False, False, True), "d4": (True, True, True)}
"""Allowed random operations: transposing, flipping rows, flipping columns. All three: the symmetries of a square."""


class Transforms(NamedTuple):
    """Random transforms, one for each of N images."""

    symmetry: Tensor  # bool (3, N): transpose, flip the rows, flip the columns
    scale: Tensor  # float32 (N, B, 1, 1), factor of each band
    shift: Tensor  # float32 (N, B, 1, 1), added to each band

    def of(self, images: slice) -> "Transforms":
        """The transforms of some of the images."""
        return Transforms(self.symmetry[:, images], self.scale[images], self.shift[images])

    def to(self, device: torch.device) -> "Transforms":
        """Copy them to a device."""
        return Transforms(*(tensor.to(device, non_blocking=True) for tensor in self))


@dataclass(frozen=True)
class Augmentation:
    """The range of the random transforms.

    Attributes:
        symmetry: One of `SYMMETRY`: none, flip (left and right) or d4 (all flips and rotations by 90 degrees).
        zoom: Each image is scaled by a random factor of its own between 1 / zoom and zoom; 1 for none. With a factor
            for the whole batch, batch norm would see other statistics in each batch than it then keeps.
        jitter: Standard deviation of the factors of the bands (around 1), and of four times their shifts (around 0).
            Both act on pixels that are scaled so that the `limits` of each band are 0 and 1. Haze, sunlight and sensors
            have similar effects.
    """

    symmetry: str = "d4"
    zoom: float = 1.0
    jitter: float = 0.0

    def draw_sides(self, size: int, count: int, generator: torch.Generator) -> Tensor:
        """Draw the sides in pixels of `count` squares that zooming scales to `size` pixels: int64 (count,)."""
        if self.zoom == 1:
            return torch.full((count,), size)
        powers = 2 * torch.rand(count, generator=generator) - 1
        return (size * self.zoom**powers).round().long().clamp(min=1)

    def draw(self, count: int, generator: torch.Generator, images: ImageSpec = RGB) -> Transforms:
        """Draw the other transforms of `count` images."""
        allowed = torch.tensor(SYMMETRY[self.symmetry])[:, None]
        symmetry = torch.randint(2, (3, count), generator=generator).bool() & allowed
        scale, shift = self.jitter * torch.randn(2, count, len(images.bands), 1, 1, generator=generator)
        low, high = (torch.tensor(images.limits) / images.divisor).T[..., None, None]
        # Pixels x become low + (x - low) (1 + scale) + (high - low) shift / 4.
        return Transforms(symmetry, 1 + scale, (high - low) * shift / 4 - low * scale)


_SYMMETRIES: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: x.transpose(1, 2),
    lambda x: x.flip(1),
    lambda x: x.flip(2),
)


def resized(image: np.ndarray, labels: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale a square image (S, S, B) bilinearly, and its labels uint8 (S, S) by the nearest pixel, to `size` pixels."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    pixels = functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
    codes = functional.interpolate(torch.from_numpy(labels)[None, None], (size, size), mode="nearest-exact")
    scaled = pixels[0].permute(1, 2, 0).numpy()
    return (scaled.round() if image.dtype == np.uint8 else scaled).astype(image.dtype), codes[0, 0].numpy()


def augment(images: Tensor, labels: Tensor, transforms: Transforms, divisor: float) -> tuple[Tensor, Tensor]:
    """Flip and colour a batch.

    Args:
        images: (N, S, S, B), of any pixel type.
        labels: uint8 (N, S, S).
        transforms: Those of these images, on their device.
        divisor: By which pixels are divided: see `image_spec.ImageSpec`.

    Returns:
        Images float32 (N, B, S, S), channels last in memory; labels int64 (N, S, S).
    """
    for chosen, symmetry in zip(transforms.symmetry, _SYMMETRIES, strict=True):
        images = torch.where(chosen.view(-1, 1, 1, 1), symmetry(images), images)
        labels = torch.where(chosen.view(-1, 1, 1), symmetry(labels), labels)
    return to_input(images, images.device, divisor) * transforms.scale + transforms.shift, labels.long()
