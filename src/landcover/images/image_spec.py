"""What the images of a data set or of a model are: their bands, their pixel type, their statistics."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

COLOURS = ("red", "green", "blue")

PIXEL_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""NumPy's names of the pixel types that images may have."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

NORMALISATIONS = ("imagenet", "dataset")
"""Statistics by which networks normalise: those of ImageNet, for RGB of 8 bits only; or those of the training tiles."""

_SMALLEST, _LARGEST = (float(getattr(np.finfo(np.float32), name)) for name in ("tiny", "max"))


@dataclass(frozen=True)
class ImageSpec:
    """The bands of images, their pixel type, and the statistics by which networks normalise them.

    A network computes (pixel / `divisor` - mean) / std, in float32.

    Attributes:
        bands: Name of each of the B bands, such as ("red", "green", "blue"); no two are equal.
        dtype: Pixel type, one of `PIXEL_TYPES`.
        mean, std: Of each band, of pixels divided by `divisor`.
        low, high: Of each band, the percentiles 2 and 98 of the training pixels, in pixel values; None if not known.
    """

    bands: tuple[str, ...] = COLOURS
    dtype: str = "uint8"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    def normalised_by(self, normalisation: str) -> "ImageSpec":
        """The same images with the statistics of one of `NORMALISATIONS`; those of `dataset` are its own."""
        return self if normalisation == "dataset" else replace(self, mean=IMAGENET_MEAN, std=IMAGENET_STD)

    def to_json(self) -> dict[str, Any]:
        """The fields as plain types; `from_json` reads them back."""
        return {name: list(value) if type(value) is tuple else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ImageSpec":
        """Read the fields from a mapping, which may have more keys.

        Raises:
            ValueError, LookupError, TypeError: They are not of the form that `to_json` writes, or impossible.
        """
        bands, dtype = content["bands"], content["dtype"]
        if type(bands) is not list or not bands or not all(type(name) is str and name.isprintable() for name in bands):
            raise ValueError(f"bands = {bands!r:.60} is not a list of names")
        if len(set(bands)) < len(bands):
            raise ValueError(f"bands = {bands!r:.60}: a name occurs twice")
        if dtype not in PIXEL_TYPES:
            raise ValueError(f"dtype = {dtype!r:.60} is not one of {', '.join(PIXEL_TYPES)}")
        mean, std, low, high = (_numbers(name, content[name], len(bands)) for name in ("mean", "std", "low", "high"))
        if mean is None or std is None or min(std) < _SMALLEST:
            raise ValueError("mean or std is impossible")
        if (low is None) != (high is None) or (low and high and any(a > b for a, b in zip(low, high, strict=True))):
            raise ValueError("low and high are impossible")
        return cls(tuple(bands), dtype, mean, std, low, high)

    @property
    def divisor(self) -> float:
        """By which pixels are divided before all else: 255 for uint8, so that they lie in 0..1; 1 for other types."""
        return 255.0 if self.dtype == "uint8" else 1.0

    @property
    def limits(self) -> tuple[tuple[float, float], ...]:
        """Of each band, the two pixel values between which most pixels lie; 0 and 255 for uint8.

        For other types `low` and `high`; two standard deviations around the mean where these are not known.
        """
        if self.dtype == "uint8":
            return ((0.0, 255.0),) * len(self.bands)
        if self.low is not None and self.high is not None:
            return tuple(zip(self.low, self.high, strict=True))
        return tuple((mean - 2 * std, mean + 2 * std) for mean, std in zip(self.mean, self.std, strict=True))

    @property
    def filler(self) -> tuple[float, ...]:
        """Of each band, the pixel value where an image is padded: 0 for uint8, else the mean, an unremarkable one."""
        return (0.0,) * len(self.bands) if self.dtype == "uint8" else self.mean

    @property
    def is_rgb(self) -> bool:
        """Whether images are ordinary ones: red, green and blue of 8 bits."""
        return self.bands == COLOURS and self.dtype == "uint8"


RGB = ImageSpec()
"""Ordinary images, normalised as networks expect them that were trained on ImageNet."""


def _numbers(name: str, values: Any, count: int) -> tuple[float, ...] | None:
    """A tuple of as many finite numbers; None for None."""
    if values is None:
        return None
    is_list = isinstance(values, list | tuple) and len(values) == count
    if not is_list or not all(type(value) in (int, float) and abs(value) <= _LARGEST for value in values):
        raise ValueError(f"{name} = {values!r:.60} instead of {count} numbers")
    return tuple(map(float, values))
