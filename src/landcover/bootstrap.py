"""How far scores could differ by chance: the bootstrap over pictures (Efron 1979; percentile intervals).

The pictures are drawn anew from themselves, with replacement, as many as there are; each such resample is scored as a
whole set. Pictures, not pixels, are drawn, because the pixels of one picture are right or wrong together. A class that
a resample lacks has no part in its mean, as everywhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from landcover.confusion import number
from landcover.scoring import mean_iou

LEVEL = 0.95
"""Of the intervals: their bounds leave out equal shares of the resamples below and above."""

_COUNTS_AT_ONCE = 1 << 20  # 8 MB


@dataclass(frozen=True)
class Difference:
    """How much better predictions A are than predictions B of the same pictures; None where nothing has an IoU.

    Attributes:
        mean_iou_a, mean_iou_b: 0..1.
        difference: The first less the second, -1..1.
        low, high: The interval of the difference.
        share_a_better: Share of the resamples, 0..1, in which A has the higher mean IoU.
        pictures, resamples, seed: On which this rests.
    """

    mean_iou_a: float | None
    mean_iou_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    share_a_better: float | None
    pictures: int
    resamples: int
    seed: int

    @property
    def verdict(self) -> str:
        """What the interval says, in words."""
        if self.low is None or self.low <= 0 <= self.high:
            return f"no difference beyond chance at {100 * LEVEL:.0f} %"
        return f"{'A' if self.low > 0 else 'B'} is better by more than chance"


def mean_iou_interval(
    per_picture: Mapping[str, np.ndarray], resamples: int, seed: int
) -> tuple[float | None, float | None]:
    """Lower and upper bound of the mean IoU of a set of pictures; None where no resample has one.

    Args:
        per_picture: As in `Scores`.
    """
    return _interval(_resampled(_stacked(per_picture, per_picture), resamples, seed))


def compare_pictures(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], resamples: int, seed: int) -> Difference:
    """Compare two predictions of the same pictures on the same resamples (paired bootstrap).

    How hard the drawn pictures are then falls on both, and drops out of the difference.

    Args:
        a, b: Confusion matrices as in `Scores.per_picture`; pictures that are not in both are left out. One at least
            must be.
    """
    names = [name for name in a if name in b]
    stacked = [_stacked(matrices, names) for matrices in (a, b)]
    # The same seed draws the same pictures.
    differences = np.subtract(*(_resampled(matrices, resamples, seed) for matrices in stacked))
    differences = differences[~np.isnan(differences)]
    means = [mean_iou(matrices.sum(0)) for matrices in stacked]
    return Difference(
        *map(number, (*means, np.subtract(*means))),
        *_interval(differences),
        float((differences > 0).mean()) if differences.size else None,
        len(names),
        resamples,
        seed,
    )


def _stacked(per_picture: Mapping[str, np.ndarray], names: Iterable[str]) -> np.ndarray:
    return np.stack([per_picture[name] for name in names])


def _resampled(matrices: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Mean IoU of resamples of N pictures with confusion matrices (N, S, S): float64 (resamples,), NaN if undefined."""
    rng, pictures = np.random.default_rng(seed), len(matrices)
    flat = matrices.reshape(pictures, -1).astype(np.float64)  # for BLAS; exact, being counts far below 2**53
    means = []
    for start in range(0, resamples, at_once := max(1, _COUNTS_AT_ONCE // pictures)):
        drawn = rng.multinomial(pictures, np.full(pictures, 1 / pictures), min(at_once, resamples - start))
        means.append(mean_iou((drawn @ flat).reshape(-1, *matrices.shape[1:])))
    return np.concatenate(means)


def _interval(values: np.ndarray) -> tuple[float | None, float | None]:
    values = values[~np.isnan(values)]
    if not values.size:
        return None, None
    low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)
