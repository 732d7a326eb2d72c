"""How good a model is on images with masks, without any mask being written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landcover.classes.off_palette import OffPalette
from landcover.images.pairs import Sample, read_rgb
from landcover.inference.prediction import file_mapper, label_image
from landcover.models.model_file import Model
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.mask_labels import read_labels
from landcover.scoring.scores import Scores
from landcover.system.errors import LandcoverError, naming_memory_errors
from landcover.system.parallel import error_as_result
from landcover.system.progress_bar import progress_bar


@dataclass(frozen=True)
class ModelScores:
    """What a model does with a set of images.

    Attributes:
        loss: Cross-entropy, nats, of its class probabilities: mean over the pixels whose truth is known; None if there
            are none.
        scores: Of its labels.
    """

    loss: float | None
    scores: Scores


def score_model(model: Model, samples: Sequence[Sample], *, quiet: bool = False, **options: Any) -> ModelScores:
    """Label images as `inference.predict_masks` does and compare them with their masks.

    Args:
        model: Whose classes and colours the masks have.
        samples: At least one.
        quiet: Without a progress bar, which there is on terminals only in any case.
        options: Those of `inference.label_strips`. Loss and labels are those of its probabilities: of all views,
            blended and at full size.

    Returns:
        The scores of what can be read; `Scores.broken` lists the rest.

    Raises:
        LandcoverError: Nothing can be read: a line for each pair.
    """
    classes = model.classes
    per_image, off_palette, broken = {}, OffPalette(), []
    loss, known = 0.0, 0

    @error_as_result
    def read(sample: Sample) -> tuple[np.ndarray, np.ndarray, OffPalette]:
        image, (labels, off_palette) = read_rgb(sample.image), read_labels(sample.mask, classes)
        if image.shape[:2] != labels.shape:
            sizes = " and ".join(f"{array.shape[1]}x{array.shape[0]}" for array in (labels, image))
            raise LandcoverError(
                f"{sample.mask}: its size and that of {sample.image} differ: {sizes} pixels. Make them equal."
            )
        return image, labels, off_palette

    pairs = file_mapper(model.network)(read, samples)
    pairs = progress_bar("validate", len(samples), "images", pairs, quiet=quiet)
    for sample, pair in zip(samples, pairs, strict=True):
        if isinstance(pair, LandcoverError):
            broken += pair.lines
            continue
        image, labels, more = pair
        off_palette += more
        losses = _Losses(labels, len(classes))
        with naming_memory_errors(sample.image):
            predicted = label_image(model, image, probabilities=losses, **options)
        per_image[sample.name] = confusion_matrix(labels, predicted, len(classes) + 1)
        loss += losses.total
        known += losses.known
    if not per_image:
        raise LandcoverError(*broken)
    scores = Scores(classes, per_image, truth_off_palette=off_palette, broken=tuple(broken))
    return ModelScores(loss / known if known else None, scores)


class _Losses:
    """Adds up the cross-entropy of bands of class probabilities, from the top down, where the truth is known.

    Args:
        labels: uint8 (H, W), the truth; unknown from `classes` on.
        classes: Number C.
    """

    def __init__(self, labels: np.ndarray, classes: int) -> None:
        self._labels, self._classes, self._top = labels, classes, 0
        self.total, self.known = 0.0, 0

    def __call__(self, probabilities: np.ndarray) -> None:
        """Add the next rows: float32 (C, rows, W)."""
        labels = self._labels[self._top : self._top + probabilities.shape[1]]
        self._top += len(labels)
        rows, columns = np.nonzero(labels < self._classes)
        chosen = probabilities[labels[rows, columns], rows, columns]
        # A probability that float32 has rounded to 0 is taken for its smallest number, a loss of 87.
        self.total -= np.log(chosen.clip(np.finfo(np.float32).tiny)).sum(dtype=np.float64)
        self.known += len(rows)
