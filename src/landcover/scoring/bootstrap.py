"""Confidence intervals of scores, and the test whether two predictions differ: bootstrap and random swaps of images.

A resample (Efron 1979) draws as many images as there are, with replacement, and is scored as one set. Images are drawn,
not pixels, because the pixels of an image are right or wrong together. A class that a resample lacks has no part in its
mean, as in every score.

With few images, percentiles of resamples give too narrow an interval. They are therefore taken further out, by
Student's t and the factor n / (n - 1) of a variance (Hesterberg 2015, "expanded percentiles"). The comparison of two
predictions also uses an exact test (Fisher 1935; Pitman 1937): if both were equally good, each image's two masks could
be swapped, and random swaps would give differences as large as the one observed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from landcover.scoring.confusion import number
from landcover.scoring.scores import mean_iou
from landcover.scoring.student_t import t_quantile
from landcover.system.errors import LandcoverError

LEVEL = 0.95
"""Confidence level of the intervals; with many images, equal shares of the resamples lie below and above."""

LEAST_IMAGES = 6
"""For a verdict: with 5 images, the 2 most extreme of the 2**5 swaps are already more than 5 %."""

_EQUAL = 1e-12  # differences up to this are rounding

_COUNTS_AT_ONCE = 1 << 20  # 8 MB


@dataclass(frozen=True)
class Difference:
    """How much better predictions A are than predictions B of the same images; None for what is undefined.

    Attributes:
        mean_iou_a, mean_iou_b: 0..1.
        difference: The first minus the second, -1..1.
        low, high: Interval of the difference; None for a single image. It contains 0 unless random swaps rule out that
            both are equally good.
        share_a_better: Share of the resamples, 0..1, in which A has the higher mean IoU; None for a single image.
        images, resamples: Their numbers.
        seed: Of the resamples.
    """

    mean_iou_a: float | None
    mean_iou_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    share_a_better: float | None
    images: int
    resamples: int
    seed: int

    @property
    def verdict(self) -> str:
        """What the interval says, in words; there is none without scores, or for fewer than `LEAST_IMAGES` images."""
        if self.difference is None:
            return "no verdict: the masks have no pixel that can be scored"
        if self.images < LEAST_IMAGES:
            return f"too few images for a verdict: {self.images}, at least {LEAST_IMAGES} are needed"
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return f"no difference beyond chance at {100 * LEVEL:.0f} %"
        return f"{'A' if self.low > 0 else 'B'} is better by more than chance"


def mean_iou_interval(
    per_image: Mapping[str, np.ndarray], resamples: int, seed: int
) -> tuple[float | None, float | None]:
    """Lower and upper bound of the mean IoU of a set of images; None for a single image or if no resample has one.

    Args:
        per_image: Confusion matrices as in `Scores.per_image`.
        resamples: Their number.
        seed: Of the resamples.
    """
    return expanded_interval(resampled_means(_stacked(per_image, per_image), resamples, seed), len(per_image))


def compare_images(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], resamples: int, seed: int) -> Difference:
    """Compare two predictions of the same images, on the same resamples (paired bootstrap) and by random swaps.

    Resamples of easy or hard images then affect both predictions alike, and little of that is in the difference.

    Args:
        a, b: Confusion matrices as in `Scores.per_image`; images that are not in both are left out.
        resamples: Number of resamples, and of swaps.
        seed: Of both.

    Raises:
        LandcoverError: No image is in both.
    """
    names = [name for name in a if name in b]
    if not names:
        raise LandcoverError("A and B: no image is in both. Compare predictions of the same images.")
    all_a, all_b = _stacked(a, names), _stacked(b, names)
    # The same seed draws the same images.
    differences = resampled_means(all_a, resamples, seed) - resampled_means(all_b, resamples, seed)
    differences = differences[~np.isnan(differences)]
    mean_a, mean_b = (float(mean_iou(matrices.sum(0))) for matrices in (all_a, all_b))
    low, high = expanded_interval(differences, len(names))
    is_significant = swaps_rule_out_equality(all_a, all_b, mean_a - mean_b, resamples, seed)
    if low is not None and high is not None and not is_significant:
        low, high = min(low, 0.0), max(high, 0.0)
    return Difference(
        mean_iou_a=number(mean_a),
        mean_iou_b=number(mean_b),
        difference=number(mean_a - mean_b),
        low=low,
        high=high,
        share_a_better=float((differences > 0).mean()) if differences.size and len(names) > 1 else None,
        images=len(names),
        resamples=resamples,
        seed=seed,
    )


def _stacked(per_image: Mapping[str, np.ndarray], names: Iterable[str]) -> np.ndarray:
    return np.stack([per_image[name] for name in names])


def resampled_means(matrices: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Mean IoU of resamples of N images, confusion matrices (N, S, S): float64 (resamples,), NaN where undefined."""
    rng, images = np.random.default_rng(seed), len(matrices)
    shares = np.full(images, 1 / images)
    drawn = (rng.multinomial(images, shares, count) for count in _portions(resamples, images))
    return np.concatenate([mean_iou(_weighted(matrices, weights)) for weights in drawn])


def swaps_rule_out_equality(a: np.ndarray, b: np.ndarray, difference: float, resamples: int, seed: int) -> bool:
    """Whether so few random swaps give a difference as large as theirs, of either sign, that `LEVEL` rules out chance.

    Args:
        a, b: Confusion matrices of both predictions: (N, S, S).
        difference: Of their mean IoUs.
        resamples: Number of swaps.
        seed: Of the swaps.
    """
    rng, images = np.random.default_rng((seed, 1)), len(a)
    both, larger = (a + b).sum(0), 0
    for count in _portions(resamples, images):
        first = b.sum(0) + _weighted(a - b, rng.integers(2, size=(count, images)))
        swapped = np.abs(mean_iou(first) - mean_iou(both - first))
        larger += int((~(swapped < abs(difference) - _EQUAL)).sum())  # undefined ones count as larger
    return (1 + larger) / (1 + resamples) <= 1 - LEVEL  # the observed difference is that of one of the swaps


def _portions(resamples: int, images: int) -> Iterator[int]:
    """Split a number of resamples into portions that fit into memory."""
    at_once = max(1, _COUNTS_AT_ONCE // images)
    for start in range(0, resamples, at_once):
        yield min(at_once, resamples - start)


def _weighted(matrices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sums of confusion matrices (N, S, S), weights (resamples, N): float64 (resamples, S, S)."""
    flat = matrices.reshape(len(matrices), -1).astype(np.float64)  # for BLAS; exact, as counts are far below 2**53
    return (weights @ flat).reshape(-1, *matrices.shape[1:])


def expanded_interval(values: np.ndarray, images: int) -> tuple[float | None, float | None]:
    """Expanded percentiles of the values of resamples of so many images; None if undefined or of a single image."""
    values = values[~np.isnan(values)]
    if not values.size or images < 2:
        return None, None
    beyond = NormalDist().cdf(-t_quantile(LEVEL, images - 1) * (images / (images - 1)) ** 0.5)
    low, high = np.quantile(values, (beyond, 1 - beyond))
    return float(low), float(high)
