"""Rectangles of an image, of which alone the pixels are labelled."""

from dataclasses import dataclass
from typing import Protocol


class Sized(Protocol):
    """What has rows and columns of pixels."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def width(self) -> int:
        """In pixels."""


@dataclass(frozen=True)
class Region:
    """A rectangle of an image: rows `top` to `bottom` - 1 and columns `left` to `right` - 1, in pixels.

    Raises:
        ValueError: It has no pixels, or begins before the image does.
    """

    top: int
    bottom: int
    left: int
    right: int

    def __post_init__(self) -> None:
        if not (0 <= self.top < self.bottom and 0 <= self.left < self.right):
            raise ValueError(f"{self!r}: should be 0 <= top < bottom and 0 <= left < right")

    @classmethod
    def whole(cls, image: Sized) -> "Region":
        """All of an image."""
        return cls(0, image.height, 0, image.width)

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def pixels(self) -> int:
        """Their number."""
        return self.height * self.width

    def __str__(self) -> str:
        return f"pixels {self.left} to {self.right - 1} of rows {self.top} to {self.bottom - 1}"

    @property
    def inside(self) -> tuple[slice, slice]:
        """Its rows and columns as slices of the whole image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def check_within(self, image: Sized) -> None:
        """Raise a ValueError if it reaches beyond an image."""
        if self.bottom > image.height or self.right > image.width:
            raise ValueError(f"{self!r}: reaches beyond the image of {image.height} x {image.width} pixels")
