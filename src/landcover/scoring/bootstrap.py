"""How far scores could differ by chance: the bootstrap over images (Efron 1979), and swapping two predictions.

The images are drawn anew from themselves, with replacement, as many as there are; each such resample is scored as a
whole set. Images, not pixels, are drawn, because the pixels of one image are right or wrong together. A class that
a resample lacks has no part in its mean, as everywhere.

Few images vary too little among themselves: the percentiles of the resamples are taken further out, as Student's t
and the factor n / (n - 1) of a variance say (Hesterberg 2015, "expanded percentiles"). Whether two predictions differ
is also asked without any approximation: were they equally good, each image's two masks could as well be swapped, so
that the difference is one like those that random swaps give (Fisher 1935; Pitman 1937).
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
"""Of the intervals: with many images, their bounds leave out equal shares of the resamples below and above."""

LEAST_IMAGES = 6
"""For a verdict: of 5 images, 2 of the 2**5 ways to swap are as extreme as any, more than the 5 % that are rare."""

_EQUAL = 1e-12  # rounding of means of ratios

_COUNTS_AT_ONCE = 1 << 20  # 8 MB


@dataclass(frozen=True)
class Difference:
    """How much better predictions A are than predictions B of the same images; None where nothing has an IoU.

    Attributes:
        mean_iou_a, mean_iou_b: 0..1.
        difference: The first less the second, -1..1.
        low, high: The interval of the difference; None also of a single image. It reaches to 0 where swapping does
            not rule out that both are equally good.
        share_a_better: Share of the resamples, 0..1, in which A has the higher mean IoU; None also of a single image.
        images, resamples, seed: On which this rests.
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
        """What the interval says, in words; nothing of fewer than `LEAST_IMAGES`."""
        if self.images < LEAST_IMAGES:
            return f"too few images for a verdict: {self.images}, at least {LEAST_IMAGES} are needed"
        if self.low is None or self.low <= 0 <= self.high:
            return f"no difference beyond chance at {100 * LEVEL:.0f} %"
        return f"{'A' if self.low > 0 else 'B'} is better by more than chance"


def mean_iou_interval(
    per_image: Mapping[str, np.ndarray], resamples: int, seed: int
) -> tuple[float | None, float | None]:
    """Lower and upper bound of the mean IoU of a set of images; None of a single one, or if no resample has any.

    Args:
        per_image: As in `Scores`.
    """
    return expanded_interval(resampled_means(_stacked(per_image, per_image), resamples, seed), len(per_image))


def compare_images(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray], resamples: int, seed: int) -> Difference:
    """Compare two predictions of the same images on the same resamples (paired bootstrap) and by swapping them.

    How hard the drawn images are then falls on both, and drops out of the difference.

    Args:
        a, b: Confusion matrices as in `Scores.per_image`; images that are not in both are left out.

    Raises:
        LandcoverError: No image is in both.
    """
    names = [name for name in a if name in b]
    if not names:
        raise LandcoverError("A and B: no image is in both. Compare predictions of the same images.")
    stacked = [_stacked(matrices, names) for matrices in (a, b)]
    # The same seed draws the same images.
    differences = np.subtract(*(resampled_means(matrices, resamples, seed) for matrices in stacked))
    differences = differences[~np.isnan(differences)]
    means = [mean_iou(matrices.sum(0)) for matrices in stacked]
    difference = np.subtract(*means)
    low, high = expanded_interval(differences, len(names))
    if low is not None and not swaps_rule_out_equality(*stacked, difference, resamples, seed):
        low, high = min(low, 0.0), max(high, 0.0)
    return Difference(
        *map(number, (*means, difference)),
        low,
        high,
        float((differences > 0).mean()) if differences.size and len(names) > 1 else None,
        len(names),
        resamples,
        seed,
    )


def _stacked(per_image: Mapping[str, np.ndarray], names: Iterable[str]) -> np.ndarray:
    return np.stack([per_image[name] for name in names])


def resampled_means(matrices: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Mean IoU of resamples of N images with confusion matrices (N, S, S): float64 (resamples,), NaN if undefined."""
    rng, images = np.random.default_rng(seed), len(matrices)
    shares = np.full(images, 1 / images)
    drawn = (rng.multinomial(images, shares, count) for count in _portions(resamples, images))
    return np.concatenate([mean_iou(_weighted(matrices, weights)) for weights in drawn])


def swaps_rule_out_equality(a: np.ndarray, b: np.ndarray, difference: float, resamples: int, seed: int) -> bool:
    """Whether fewer random swaps of A and B than `LEVEL` leaves give a difference as large as theirs, by either sign.

    Args:
        a, b: Confusion matrices (N, S, S).
        difference: Of their mean IoUs.
        resamples: Number of swaps.
    """
    rng, images = np.random.default_rng((seed, 1)), len(a)
    both, larger = (a + b).sum(0), 0
    for count in _portions(resamples, images):
        first = b.sum(0) + _weighted(a - b, rng.integers(2, size=(count, images)))
        swapped = np.abs(mean_iou(first) - mean_iou(both - first))
        larger += (~(swapped < abs(difference) - _EQUAL)).sum()  # undefined ones count as larger
    return (1 + larger) / (1 + resamples) <= 1 - LEVEL  # what is seen is one of the swaps


def _portions(resamples: int, images: int) -> Iterator[int]:
    """Numbers of resamples that fit into memory together."""
    at_once = max(1, _COUNTS_AT_ONCE // images)
    for start in range(0, resamples, at_once):
        yield min(at_once, resamples - start)


def _weighted(matrices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums of confusion matrices (N, S, S) by weights (resamples, N): float64 (resamples, S, S)."""
    flat = matrices.reshape(len(matrices), -1).astype(np.float64)  # for BLAS; exact, being counts far below 2**53
    return (weights @ flat).reshape(-1, *matrices.shape[1:])


def expanded_interval(values: np.ndarray, images: int) -> tuple[float | None, float | None]:
    """Expanded percentiles of the figures of resamples of so many images."""
    values = values[~np.isnan(values)]
    if not values.size or images < 2:
        return None, None
    beyond = NormalDist().cdf(-t_quantile(LEVEL, images - 1) * (images / (images - 1)) ** 0.5)
    low, high = np.quantile(values, (beyond, 1 - beyond))
    return float(low), float(high)
