"""Random transforms of a batch that leave its labels true.

Random numbers are drawn on the CPU for the whole batch, so that they are the same on every device and for any number of
processes. The images are transformed on the device that they are on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

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
        zoom: Images are scaled by a random factor between 1 / zoom and zoom, the same for all of a batch; 1 for none.
        jitter: Standard deviation of the factors of the bands (around 1), and of four times their shifts (around 0).
            Both act on pixels that are scaled so that the `limits` of each band are 0 and 1. Haze, sunlight and sensors
            have similar effects.
    """

    symmetry: str = "d4"
    zoom: float = 1.0
    jitter: float = 0.0

    def draw_side(self, size: int, generator: torch.Generator) -> int:
        """Draw the side in pixels of the square that zooming scales to `size` pixels."""
        if self.zoom == 1:
            return size
        power = 2 * torch.rand((), generator=generator).item() - 1
        return max(1, round(size * self.zoom**power))

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


def augment(images: Tensor, labels: Tensor, transforms: Transforms, size: int, divisor: float) -> tuple[Tensor, Tensor]:
    """Flip, zoom and colour a batch.

    Args:
        images: (N, S, S, B), of any pixel type.
        labels: uint8 (N, S, S).
        transforms: Those of these images, on their device.
        size: Side T of the result in pixels.
        divisor: By which pixels are divided: see `image_spec.ImageSpec`.

    Returns:
        Images float32 (N, B, T, T), channels last in memory; labels int64 (N, T, T).
    """
    for chosen, symmetry in zip(transforms.symmetry, _SYMMETRIES, strict=True):
        images = torch.where(chosen.view(-1, 1, 1, 1), symmetry(images), images)
        labels = torch.where(chosen.view(-1, 1, 1), symmetry(labels), labels)
    pixels = to_input(images, images.device, divisor)
    if labels.shape[1] != size:
        pixels = functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
        labels = functional.interpolate(labels[:, None].float(), (size, size), mode="nearest-exact")[:, 0]
    return pixels * transforms.scale + transforms.shift, labels.long()
