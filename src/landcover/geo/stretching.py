"""Pixels of any type as 8-bit numbers, by percentiles of each band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landcover.system.errors import LandcoverError

STRETCH = (2.0, 98.0)
"""Percentiles that become 0 and 255 where pixels are no 8-bit numbers and nothing else is asked for."""


@dataclass(frozen=True)
class Stretch:
    """How the bands of an image become 8-bit numbers.

    Attributes:
        percentiles: That become 0 and 255.
        limits: Of each band, the values at these percentiles.
        medians: Of each band: what a pixel becomes that is no number (NaN or infinite). It belongs to no class, but a
            network sees it beside others: next to the median 97 % of the pixels around 5 % such ones keep their class,
            next to black 86 %, next to white 68 % (12 images of the embedded validation set, default model).
    """

    percentiles: tuple[float, float]
    limits: tuple[tuple[float, float], ...]
    medians: tuple[float, ...]

    @classmethod
    def of(cls, bands: Sequence[np.ndarray], percentiles: tuple[float, float]) -> "Stretch":
        """Find the limits.

        Args:
            bands: A sample of each band's pixels that have data: any real type (N,).
            percentiles: 0 to 100, rising.

        Raises:
            LandcoverError: The percentiles are not such.
        """
        if not 0 <= percentiles[0] < percentiles[1] <= 100:
            raise LandcoverError(f"stretch = {percentiles}: should be two rising percentiles from 0 to 100.")
        limits, medians = [], []
        for sample in bands:
            numbers = sample[np.isfinite(sample)].astype(np.float64)
            low, median, high = (
                np.percentile(numbers, [percentiles[0], 50, percentiles[1]]) if len(numbers) else (0, 0, 1)
            )
            limits.append((float(low), float(high)))
            medians.append(float(median))
        return cls(percentiles, tuple(limits), tuple(medians))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (bands, H, W) of any real type as uint8.

        A band whose limits are equal has two values: 0, and 255 above.
        """
        stretched = np.empty(pixels.shape, np.uint8)
        for band, (low, high), median, out in zip(pixels, self.limits, self.medians, stretched, strict=True):
            values = np.where(np.isfinite(band), band, median).astype(np.float64, copy=False)
            if not np.isfinite(high - low):  # beyond float64; a quarter of it is not
                values, low, high = values / 4, low / 4, high / 4
            shares = (values - low) / (high - low) if high > low else values > low
            out[:] = (np.clip(shares, 0, 1) * 255).round()
        return stretched


def limits_text(limits: Sequence[tuple[float, float]]) -> str:
    """Values at the percentiles of each band, for people."""
    return ", ".join(f"{low:g} to {high:g}" for low, high in limits)
