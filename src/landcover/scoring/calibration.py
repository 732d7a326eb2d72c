"""Calibration: whether a network is right as often as it is sure.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", sections 2 and 3.

Confidence is the probability of the predicted class as 8 bits hold it: 255 is 1, and 0 means that there is no data.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from landcover.classes.class_table import UNKNOWN, byte_counts
from landcover.scoring.confusion import number

BINS = 10
"""Of equal width in confidence, as in the paper's figures."""

_VALUES = 256
_CERTAIN = _VALUES - 1  # the value of probability 1


def _no_pixels() -> np.ndarray:
    return np.zeros(_VALUES, np.int64)


@dataclass(frozen=True)
class Calibration:
    """Counts of pixels by confidence. Those of several images add up: `sum(counts, Calibration())`.

    Attributes:
        known: Pixels of known truth at each value of confidence, int64 (256,); none at 0.
        right: Those of them that are predicted right.
    """

    known: np.ndarray = field(default_factory=_no_pixels)
    right: np.ndarray = field(default_factory=_no_pixels)

    @classmethod
    def of(cls, labels: np.ndarray, predicted: np.ndarray, confidence: np.ndarray) -> "Calibration":
        """Count the pixels of an image, or of a part of one.

        Args:
            labels, predicted: uint8 of one shape: class indices or `UNKNOWN`. Where the label is unknown, nothing is
                counted.
            confidence: uint8 of the same shape.
        """
        is_known = (labels != UNKNOWN) & (confidence > 0)
        is_right = is_known & (labels == predicted)
        return cls(
            *(byte_counts(confidence[chosen]) if chosen.any() else _no_pixels() for chosen in (is_known, is_right))
        )

    def __add__(self, other: "Calibration") -> "Calibration":
        return Calibration(self.known + other.known, self.right + other.right)

    def bins(self) -> list[dict[str, float | None]]:
        """`BINS` bins of equal width, the least sure first; each holds its upper border but not its lower one.

        Returns:
            Of each bin: its borders `low` and `high`, the mean `confidence` and the `accuracy` of its pixels, None if
            there are none, and their `share` of all. All are 0..1.
        """
        return [
            {
                "low": place / BINS,
                "high": (place + 1) / BINS,
                "confidence": number(confidence),
                "accuracy": number(accuracy),
                "share": float(share),
            }
            for place, (confidence, accuracy, share) in enumerate(zip(*self._means(), strict=True))
        ]

    def expected_error(self) -> float | None:
        """Mean over the pixels of |accuracy - confidence| of their bin, 0..1 (equation 3); None without pixels."""
        confidence, accuracy, share = self._means()
        return float(np.nansum(share * abs(accuracy - confidence))) if self.known.any() else None

    def mean(self) -> float | None:
        """Mean confidence, 0..1; None without pixels."""
        pixels = self.known.sum()
        return float(self.known @ np.arange(_VALUES) / pixels / _CERTAIN) if pixels else None

    def figures(self) -> dict[str, Any] | None:
        """`bins` and `expected_error` as the page of the report takes them; None without pixels."""
        error = self.expected_error()
        return None if error is None else {"bins": self.bins(), "expected_error": error}

    def _means(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean confidence, accuracy and share of the pixels of each bin: float64 (BINS,), the first two may be NaN."""
        values = np.arange(_VALUES)
        places = np.maximum(-(-values * BINS // _CERTAIN) - 1, 0)  # in whole numbers: 51 / 255 is exactly 0.2
        known, right, sure = (np.bincount(places, of, BINS) for of in (self.known, self.right, self.known * values))
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
            return sure / known / _CERTAIN, right / known, known / max(known.sum(), 1)
