"""Random symmetries of a batch, on the device that the batch is on."""

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
