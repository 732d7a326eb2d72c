"""Random changes of a batch that leave its labels true.

What chance decides is drawn on the CPU for the whole batch, so that all devices and all numbers of processes draw
alike; the images are changed on the device that they are on.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SYMMETRY = {"none": (False, False, False), "flip": (False, False, True), "d4": (True, True, True)}
"""Which of transposing, flipping rows and flipping columns chance may do; all three make the symmetries of a square."""


class Draw(NamedTuple):
    """What chance decided for each of N images."""

    symmetry: Tensor  # bool (3, N): transpose, flip the rows, flip the columns
    scale: Tensor  # float32 (N, 3, 1, 1), factor of each channel
    shift: Tensor  # float32 (N, 3, 1, 1), added to each channel

    def part(self, part: slice) -> "Draw":
        """That for some of the images."""
        return Draw(self.symmetry[:, part], self.scale[part], self.shift[part])

    def to(self, device: torch.device) -> "Draw":
        """The same on a device."""
        return Draw(*(drawn.to(device, non_blocking=True) for drawn in self))


@dataclass(frozen=True)
class Augmentation:
    """How far chance may go.

    Attributes:
        symmetry: One of `SYMMETRY`: none, flip (left and right) or d4 (all flips and rotations by 90 degrees).
        zoom: Images are enlarged by a factor between 1 / zoom and zoom, the same for all of a batch; 1 for none.
        jitter: Standard deviation of the factors of the channels, around 1, and of four times the shifts, around 0: as
            haze, sun and sensors do.
    """

    symmetry: str = "d4"
    zoom: float = 1.0
    jitter: float = 0.0

    def draw_side(self, size: int, generator: torch.Generator) -> int:
        """Side of the square that fills `size` pixels after zooming."""
        if self.zoom == 1:
            return size
        power = 2 * torch.rand((), generator=generator).item() - 1
        return max(1, round(size * self.zoom**power))

    def draw(self, count: int, generator: torch.Generator) -> Draw:
        """Decide the rest for `count` images."""
        allowed = torch.tensor(SYMMETRY[self.symmetry])[:, None]
        symmetry = torch.randint(2, (3, count), generator=generator).bool() & allowed
        scale, shift = self.jitter * torch.randn(2, count, 3, 1, 1, generator=generator)
        return Draw(symmetry, 1 + scale, shift / 4)


def augment(images: Tensor, labels: Tensor, draw: Draw, size: int) -> tuple[Tensor, Tensor]:
    """Zoom, transpose, flip and colour a batch.

    Args:
        images: uint8 (N, S, S, 3).
        labels: uint8 (N, S, S).
        draw: For these images, on their device.
        size: Side T of the result in pixels.

    Returns:
        Images float32 (N, 3, T, T), channels last in memory, in 0..1 or a little beyond; labels int64 (N, T, T).
    """
    symmetries = (lambda x: x.transpose(1, 2), lambda x: x.flip(1), lambda x: x.flip(2))
    for chosen, symmetry in zip(draw.symmetry, symmetries, strict=True):
        images = torch.where(chosen.view(-1, 1, 1, 1), symmetry(images), images)
        labels = torch.where(chosen.view(-1, 1, 1), symmetry(labels), labels)
    pixels = images.permute(0, 3, 1, 2).float() / 255
    if labels.shape[1] != size:
        pixels = functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
        labels = functional.interpolate(labels[:, None].float(), (size, size), mode="nearest-exact")[:, 0]
    return pixels * draw.scale + draw.shift, labels.long()
