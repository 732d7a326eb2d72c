"""Pixels of any real type in the range of a model's images, by percentiles of each band."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from landcover.images.image_spec import RGB, ImageSpec
from landcover.system.errors import LandcoverError

Percentiles = Literal["image"] | tuple[float, float]
"""Two percentiles of each band of an image; "image" for `STRETCH`."""

STRETCH = (2.0, 98.0)
"""Percentiles of an image that become the range of a model's images if nobody chooses others."""


@dataclass(frozen=True)
class Stretch:
    """How the bands of an image become what a model takes.

    Attributes:
        percentiles: The two that become the ends of the range.
        limits: Of each band, the values at these percentiles.
        medians: Of each band, the value that replaces what is not a finite number. Such a pixel has no class, but the
            network sees it beside others: where 5 % of the pixels were replaced, 97 % of the others kept their class
            with the median, 86 % with black, 68 % with white (12 images of the embedded validation set, default model).
        images: What the model takes.
    """

    percentiles: tuple[float, float]
    limits: tuple[tuple[float, float], ...]
    medians: tuple[float, ...]
    images: ImageSpec = RGB

    @classmethod
    def of(cls, bands: Sequence[np.ndarray], percentiles: Percentiles, images: ImageSpec = RGB) -> "Stretch":
        """Find the limits.

        Args:
            bands: A sample of each band's pixels that have data: any real type (N,).
            percentiles: 0 to 100, rising.
            images: What the model takes.

        Raises:
            LandcoverError: The percentiles are not such.
        """
        if percentiles == "image":
            percentiles = STRETCH
        is_pair = isinstance(percentiles, tuple | list) and len(percentiles) == 2
        if not is_pair or not 0 <= percentiles[0] < percentiles[1] <= 100:
            raise LandcoverError(f"stretch = {percentiles}: should be image, or two rising percentiles from 0 to 100.")
        limits, medians = [], []
        for sample in bands:
            numbers = sample[np.isfinite(sample)].astype(np.float64)
            low, median, high = (
                np.percentile(numbers, [percentiles[0], 50, percentiles[1]]) if len(numbers) else (0, 0, 1)
            )
            limits.append((float(low), float(high)))
            medians.append(float(median))
        return cls((percentiles[0], percentiles[1]), tuple(limits), tuple(medians), images)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Stretch pixels (H, W, B) of any real type.

        Returns:
            The same shape. For a model of uint8, that type: 0 to 255, values beyond the limits are cut. For others,
            float32: `images.limits` and, in proportion, what lies beyond. A band whose limits are equal has the lower
            end of the range up to them, and the upper end above.
        """
        is_8_bit = self.images.dtype == "uint8"
        stretched = np.empty(pixels.shape, np.uint8 if is_8_bit else np.float32)
        ranges = self.images.limits
        for i, ((low, high), median, (start, end)) in enumerate(zip(self.limits, self.medians, ranges, strict=True)):
            band = pixels[..., i]
            values = np.where(np.isfinite(band), band, median).astype(np.float64, copy=False)
            if not np.isfinite(high - low):  # the range overflows float64; a quarter of it does not
                values, low, high = values / 4, low / 4, high / 4
            shares = (values - low) / (high - low) if high > low else values > low
            if is_8_bit:
                stretched[..., i] = (np.clip(shares, 0, 1) * 255).round()
            else:
                stretched[..., i] = start + shares * (end - start)
        return stretched


def limits_text(limits: Sequence[tuple[float, float]]) -> str:
    """The limits of each band as text for people."""
    return ", ".join(f"{low:g} to {high:g}" for low, high in limits)
