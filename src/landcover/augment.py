"""Random changes of a batch that leave its labels true, on the device that the batch is on."""

import torch
from torch import Tensor


def random_symmetry(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Put each picture of a batch, with its labels, through one of the eight flips and rotations of the square.

    Args:
        images: (N, S, S, 3), any dtype.
        labels: (N, S, S).
        generator: On the CPU, whatever the device of the batch, so that all devices draw alike.
    """
    transpose, flip_rows, flip_columns = (
        torch.randint(2, (3, len(images)), generator=generator).bool().to(images.device)
    )
    for chosen, symmetry in (
        (transpose, lambda x: x.transpose(1, 2)),
        (flip_rows, lambda x: x.flip(1)),
        (flip_columns, lambda x: x.flip(2)),
    ):
        images = torch.where(chosen.view(-1, 1, 1, 1), symmetry(images), images)
        labels = torch.where(chosen.view(-1, 1, 1), symmetry(labels), labels)
    return images, labels


def colour_jitter(images: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    """Scale and shift each channel of each picture by chance, as haze, sun and sensors do.

    Args:
        images: float32 (N, 3, H, W) in 0..1; the result may go a little beyond.
        amount: Standard deviation of the factors, around 1, and of four times the shifts, around 0.
        generator: On the CPU, whatever the device of the batch, so that all devices draw alike.
    """
    scale, shift = amount * torch.randn(2, len(images), 3, 1, 1, generator=generator).to(images.device)
    return images * (1 + scale) + shift / 4
