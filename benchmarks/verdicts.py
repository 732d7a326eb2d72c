"""How often `landcover compare` calls one of two equally good predictions better, and how often it finds a worse one.

Run after `dvc repro evaluate`:  python -m benchmarks.verdicts [TRUTH_DIR PREDICTION_DIR]
Prints two tables, the same on each run; takes ten minutes on one core.

Images are drawn, with replacement, from those of the pipeline (or of other masks in the preset colours): each has the
true classes of one of them. Two predictors err on it as the prediction does, each with an error of its own: the shares
into which they split the pixels of a class are drawn from a Dirichlet distribution around those of the prediction. So
images differ in difficulty for both predictors, and neither predictor is better. The last column is of a predictor
that loses a share of the right pixels of each class.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from landcover.classes.class_table import DEEPGLOBE
from landcover.scoring.bootstrap import (
    LEVEL,
    compare_images,
    expanded_interval,
    mean_iou_interval,
    resampled_means,
    swaps_rule_out_equality,
)
from landcover.scoring.scores import mean_iou, score_masks

MASKS = (Path("data/bluemarble/validation"), Path("data/predictions"))
IMAGES = (1, 2, 5, 6, 10, 31, 257)
RESAMPLES = 2000
TRIALS = 1000
CONCENTRATION = 20.0  # of the Dirichlet distribution: the larger, the more alike the predictors err
LOST = 0.03  # of the right pixels, by the worse predictor
VERDICTS = ("percentiles alone", "widened percentiles", "swaps alone", "verdict", f"verdict, {LOST:.0%} worse")


def main(folders: Sequence[str]) -> None:
    """Print both tables."""
    truth, predictions = map(Path, folders) if folders else MASKS
    population = np.stack(list(score_masks(truth, predictions, DEEPGLOBE).per_image.values()))
    print("Verdicts of equally good predictions, % of the trials\n")
    print(_row("images", *VERDICTS))
    for images in IMAGES:
        trials = [verdicts(population, images, seed) for seed in range(TRIALS)]
        print(_row(images, *(f"{100 * share:.1f}" for share in np.mean(trials, axis=0))), flush=True)
    print("\nIntervals of the mean IoU that hold that of the whole population, % of the trials\n")
    print(_row("images", "percentiles alone", "widened percentiles"))
    rng = np.random.default_rng(0)
    target = mean_iou(predicted(population[rng.integers(len(population), size=20_000)], rng).sum(0))
    for images in IMAGES[1:]:
        trials = [coverage(population, images, target, seed) for seed in range(TRIALS)]
        print(_row(images, *(f"{100 * share:.1f}" for share in np.mean(trials, axis=0))), flush=True)


def verdicts(population: np.ndarray, images: int, seed: int) -> list[bool]:
    """Whether each of `VERDICTS` tells two predictions of images drawn from the population (K, S, S) apart."""
    rng = np.random.default_rng((images, seed))
    drawn = population[rng.integers(len(population), size=images)]
    a, b, c = (predicted(drawn, rng) for _ in range(3))
    differences = resampled_means(a, RESAMPLES, seed) - resampled_means(b, RESAMPLES, seed)
    difference = mean_iou(a.sum(0)) - mean_iou(b.sum(0))
    return [
        _leaves_out_0(np.quantile(differences, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))),
        _leaves_out_0(expanded_interval(differences, images)),
        swaps_rule_out_equality(a, b, difference, RESAMPLES, seed),
        _tells_apart(a, b, seed),
        _tells_apart(a, worse(c), seed),
    ]


def coverage(population: np.ndarray, images: int, target: float, seed: int) -> list[bool]:
    """Whether the interval without and with the widening for few images holds the target."""
    rng = np.random.default_rng((images, seed))
    matrices = predicted(population[rng.integers(len(population), size=images)], rng)
    plain = np.nanquantile(resampled_means(matrices, RESAMPLES, seed), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    widened = mean_iou_interval(dict(enumerate(matrices)), RESAMPLES, seed)
    return [low <= target <= high for low, high in (plain, widened)]


def predicted(matrices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Confusion matrices (N, S, S) of another predictor of the same quality."""
    pixels = matrices.sum(-1, keepdims=True)
    anywhere = np.full(matrices.shape[-1], 0.002)  # any class may be taken for any other,
    anywhere[-1] = 0  # but unknown is never predicted
    shares = rng.standard_gamma(CONCENTRATION * (matrices / np.maximum(pixels, 1) + anywhere))
    return np.round(shares / shares.sum(-1, keepdims=True) * pixels).astype(np.int64)


def worse(matrices: np.ndarray) -> np.ndarray:
    """The same, a share of whose right pixels are taken for the next class."""
    matrices, classes = matrices.copy(), matrices.shape[-1] - 1
    for label in range(classes):
        lost = np.round(LOST * matrices[:, label, label]).astype(np.int64)
        matrices[:, label, label] -= lost
        matrices[:, label, (label + 1) % classes] += lost
    return matrices


def _tells_apart(a: np.ndarray, b: np.ndarray, seed: int) -> bool:
    verdict = compare_images(dict(enumerate(a)), dict(enumerate(b)), RESAMPLES, seed).verdict
    return "is better" in verdict


def _leaves_out_0(interval: Sequence[float | None]) -> bool:
    low, high = interval
    return low is not None and not low <= 0 <= high


def _row(*cells: object) -> str:
    return "".join(f"{cell!s:>22}" for cell in cells)


if __name__ == "__main__":
    main(sys.argv[1:])
