"""Pixels of any real type as 8-bit numbers, by percentiles of each band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landcover.system.errors import LandcoverError

STRETCH = (2.0, 98.0)
"""Percentiles that become 0 and 255, by default, where pixels are not of 8 bits."""


@dataclass(frozen=True)
class Stretch:
    """How the bands of an image become 8-bit numbers.

    Attributes:
        percentiles: The two that become 0 and 255.
        limits: Of each band, the values at these percentiles.
        medians: Of each band, the value that replaces what is not a finite number. Such a pixel has no class, but the
            network sees it beside others: where 5 % of the pixels were replaced, 97 % of the others kept their class
            with the median, 86 % with black, 68 % with white (12 images of the embedded validation set, default model).
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
        """Stretch pixels (bands, H, W) of any real type to uint8 of the same shape.

        A band whose limits are equal gets 0 up to them, and 255 above.
        """
        stretched = np.empty(pixels.shape, np.uint8)
        for band, (low, high), median, out in zip(pixels, self.limits, self.medians, stretched, strict=True):
            values = np.where(np.isfinite(band), band, median).astype(np.float64, copy=False)
            if not np.isfinite(high - low):  # the range overflows float64; a quarter of it does not
                values, low, high = values / 4, low / 4, high / 4
            shares = (values - low) / (high - low) if high > low else values > low
            out[:] = (np.clip(shares, 0, 1) * 255).round()
        return stretched


def limits_text(limits: Sequence[tuple[float, float]]) -> str:
    """The limits of each band as text for people."""
    return ", ".join(f"{low:g} to {high:g}" for low, high in limits)
