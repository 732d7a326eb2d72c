"""Statistics of the bands of many images, added up image by image in constant memory."""

import math
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from PIL import Image

from landcover.classes.class_table import byte_counts
from landcover.images.image_spec import ImageSpec
from landcover.system.errors import LandcoverError, warn

PERCENTILES = (2, 98)

_SAMPLE = 2**18  # pixels of a data set from which percentiles are computed, where values cannot be counted one by one
_BUFFER = 2**18  # pixels that are added up at a time: all of an image as float64 would take much memory


class BandFigures(NamedTuple):
    """Figures of each of B bands, in pixel values.

    Attributes:
        mean: Of all pixels.
        std: Standard deviation of all pixels, without Bessel's correction.
        low, high: The percentiles `PERCENTILES`, each the value of a pixel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class BandStatistics(Protocol):
    """Statistics of the bands of one image or more."""

    def add(self, other: Any) -> None:
        """Add the pixels of another image of the same type."""

    def figures(self) -> BandFigures:
        """The figures of all pixels that were added, at least one."""


class Histograms:
    """How often each value occurs in each band: for integers of up to 16 bits. All figures are exact.

    Args:
        counts: int64 (B, values).
        lowest: The first of the values.
    """

    def __init__(self, counts: np.ndarray, lowest: int) -> None:
        self._counts, self._lowest = counts, lowest

    @classmethod
    def of(cls, image: np.ndarray, valid: np.ndarray | None) -> "Histograms":
        """Count the valid pixels of an image (H, W, B)."""
        lowest, size = _values(image.dtype)
        if image.dtype == np.uint8 and image.shape[2] == 3 and valid is None:  # the quickest way
            return cls(np.array(Image.fromarray(image).histogram()).reshape(3, size), lowest)
        bands = _pixels(image, valid).T
        if image.dtype == np.uint8:
            return cls(np.stack([byte_counts(np.ascontiguousarray(band)) for band in bands]), lowest)
        return cls(np.stack([np.bincount(band.astype(np.int64) - lowest, minlength=size) for band in bands]), lowest)

    def add(self, other: "Histograms") -> None:
        """Add the pixels of another image of the same type."""
        self._counts += other._counts

    def figures(self) -> BandFigures:
        """The figures of all pixels that were added, at least one."""
        values = np.arange(self._counts.shape[1], dtype=np.float64) + self._lowest
        total = self._counts[0].sum()
        mean = self._counts @ values / total
        squares = (self._counts * (values - mean[:, None]) ** 2).sum(1)
        cumulated = self._counts.cumsum(1)
        low, high = (
            [values[np.searchsorted(band, share / 100 * total)] for band in cumulated] for share in PERCENTILES
        )
        return _figures(mean, np.sqrt(squares / total), low, high)


class Samples:
    """Means and deviations of each band, and a random sample of its pixels, from which percentiles are computed.

    The sample of a whole data set has some 260,000 pixels: the share of the pixels below the percentile 2 of the sample
    is 2 % but for 0.1 %.

    Args:
        count: Number of pixels.
        mean: float64 (B,).
        squares: Sum of the squared deviations from the mean, float64 (B,).
        samples: Pixels, (n, B) each.
    """

    def __init__(self, count: int, mean: np.ndarray, squares: np.ndarray, samples: list[np.ndarray]) -> None:
        self._count, self._mean, self._squares, self._samples = count, mean, squares, samples

    @classmethod
    def of(cls, image: np.ndarray, valid: np.ndarray | None, seed: int, share: float) -> "Samples":
        """Add up the valid pixels of an image (H, W, B), at least one.

        Args:
            seed: Chooses the pixels of the sample.
            share: That of the image in the pixels of the data set, 0..1.
        """
        pixels = _pixels(image, valid)
        chosen = np.random.default_rng(seed).integers(len(pixels), size=math.ceil(share * _SAMPLE))
        parts = []
        for start in range(0, len(pixels), _BUFFER):
            numbers = pixels[start : start + _BUFFER].astype(np.float64)
            mean = numbers.mean(0)
            parts.append(cls(len(numbers), mean, ((numbers - mean) ** 2).sum(0), []))
        whole, *others = parts
        whole._samples.append(pixels[chosen])
        for other in others:
            whole.add(other)
        return whole

    def add(self, other: "Samples") -> None:
        """Add the pixels of another image (Chan, Golub and LeVeque, Updating Formulae, 1979)."""
        count, difference = self._count + other._count, other._mean - self._mean
        self._squares = self._squares + other._squares + difference**2 * (self._count * other._count / count)
        self._mean = self._mean + difference * (other._count / count)
        self._count = count
        self._samples += other._samples

    def figures(self) -> BandFigures:
        """The figures of all pixels that were added, at least one."""
        low, high = np.percentile(np.concatenate(self._samples), PERCENTILES, axis=0, method="inverted_cdf")
        return _figures(self._mean, np.sqrt(self._squares / self._count), low, high)


def statistics_of(image: np.ndarray, valid: np.ndarray | None, seed: int, share: float) -> BandStatistics:
    """Add up an image: the same figures whatever the number of threads.

    Args:
        image: (H, W, B) of any real type.
        valid: Which of its pixels count, at least one, bool (H, W); None for all.
        seed, share: See `Samples.of`.
    """
    if image.dtype.kind in "iu" and image.dtype.itemsize <= 2:
        return Histograms.of(image, valid)
    return Samples.of(image, valid, seed, share)


def measured(spec: ImageSpec, statistics: BandStatistics | None, source: str) -> ImageSpec:
    """What images are, with their statistics.

    Args:
        spec: What they are.
        statistics: Of their pixels with data; None if there are none.
        source: What the images are called in messages, such as their folder.

    Raises:
        LandcoverError: There are no statistics.
    """
    if statistics is None:
        raise LandcoverError(f"{source}: no pixel of its images has data at this `scale`. Raise it.")
    figures = statistics.figures()
    if constant := [name for name, std in zip(spec.bands, figures.std, strict=True) if not std > 0]:
        warn(f"{source}: all pixels have the same value in {', '.join(constant)}, from which nothing can be learned")
    return replace(
        spec,
        mean=tuple(mean / spec.divisor for mean in figures.mean),
        std=tuple(std / spec.divisor or 1.0 for std in figures.std),
        low=figures.low,
        high=figures.high,
    )


def _pixels(image: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """The valid pixels of an image, (n, B)."""
    pixels: np.ndarray = image.reshape(-1, image.shape[2]) if valid is None else image[valid]
    return pixels


def _values(dtype: np.dtype) -> tuple[int, int]:
    """The lowest value of an integer type, and how many values it has."""
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max) - int(limits.min) + 1


def _figures(*figures: np.ndarray | list[np.float64]) -> BandFigures:
    """Rounded to what float32 tells apart: the last digits depend on the order in which a processor adds."""
    return BandFigures(*(tuple(float(f"{value:.8g}") for value in figure) for figure in figures))
