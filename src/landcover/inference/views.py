"""The views of an image whose class probabilities are averaged: test-time augmentation."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from landcover.inference.options import TTA, InferenceOptions


class View(NamedTuple):
    """How a view sees images: flipped left and right or not, then turned, then scaled.

    Attributes:
        is_flipped: Whether columns are reversed.
        turns: Quarter turns, 0 to 3.
        scale: Factor on height and width, above 0.
    """

    is_flipped: bool = False
    turns: int = 0
    scale: float = 1.0

    def of(self, images: Tensor) -> Tensor:
        """(N, B, H, W) as seen: scaled bilinearly, with a wider kernel where that makes them smaller."""
        if self.is_flipped:
            images = images.flip(3)
        if self.turns:
            images = torch.rot90(images, self.turns, (2, 3))
        height, width = images.shape[2:]
        return _resized(images, max(1, round(height * self.scale)), max(1, round(width * self.scale)))

    def undone(self, probabilities: Tensor, height: int, width: int) -> Tensor:
        """What was found in a view (N, C, h, w), for the pixels of the images themselves (N, C, H, W)."""
        seen = (width, height) if self.turns % 2 else (height, width)
        probabilities = _resized(probabilities, *seen)
        if self.turns:
            probabilities = torch.rot90(probabilities, -self.turns, (2, 3))
        return probabilities.flip(3) if self.is_flipped else probabilities


def views_of(options: InferenceOptions) -> list[View]:
    """All symmetries of `options.tta` at each of `options.scales`."""
    return [View(i % 2 == 1, i // 2, scale) for scale in options.scales for i in range(TTA[options.tta])]


def _resized(images: Tensor, height: int, width: int) -> Tensor:
    if (height, width) == tuple(images.shape[2:]):
        return images
    return functional.interpolate(images, (height, width), mode="bilinear", antialias=True)
