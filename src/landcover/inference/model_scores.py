"""Scores of a model on images with masks, without writing any mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landcover.classes.class_table import UNKNOWN
from landcover.classes.off_palette import OffPalette
from landcover.images.pairs import Sample, check_same_size
from landcover.inference.engines import engine_in_words, find_engine
from landcover.inference.mask_files import file_mapper
from landcover.inference.options import DEFAULTS, InferenceOptions
from landcover.inference.passes import map_images
from landcover.inference.prediction import label_strips
from landcover.inference.reading import read_image
from landcover.inference.strips import ArrayStrips
from landcover.models.model_file import Model
from landcover.rasters.stretching import Percentiles
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.mask_labels import read_labels
from landcover.scoring.scores import Scores
from landcover.system.errors import Problems, naming_memory_errors
from landcover.system.parallel import error_as_result
from landcover.system.progress_bar import progress_bar


@dataclass(frozen=True)
class ModelScores:
    """Loss and scores of a model on a set of images.

    Attributes:
        loss: Cross-entropy of the class probabilities in nats, averaged over the pixels whose truth is known; None
            without such pixels.
        scores: Of the labels.
        engine: What ran the network, see `engines.engine_in_words`.
    """

    loss: float | None
    scores: Scores
    engine: str


def score_model(
    model: Model,
    samples: Sequence[Sample],
    options: InferenceOptions = DEFAULTS,
    *,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
    quiet: bool = False,
) -> ModelScores:
    """Label images as `mask_files.predict_masks` does and compare them with their masks.

    Args:
        model: Has the classes and colours of the masks.
        samples: At least one.
        options: Windows and views, and the engine. Loss and labels come from the same class probabilities: averaged
            over the views, blended and at full size.
        bands, stretch: See `reading.read_image`. Where an image has no data, the truth counts as unknown.
        quiet: Show no progress bar. Without a terminal there is none in any case.

    Returns:
        The scores of the pairs that can be read; `Scores.broken` has a line for each of the others.

    Raises:
        LandcoverError: No pair can be read; a line for each.
    """
    classes = model.classes
    per_image, off_palette, problems = {}, OffPalette(), Problems()
    loss, known = 0.0, 0

    @error_as_result
    def read(sample: Sample) -> tuple[Sample, ArrayStrips, np.ndarray, OffPalette]:
        return sample, *read_pair(model, sample, bands, stretch)

    def label(
        item: tuple[Sample, ArrayStrips, np.ndarray, OffPalette],
    ) -> tuple[str, OffPalette, np.ndarray, _Losses]:
        sample, image, labels, off_palette = item
        losses = _Losses(labels, len(classes))
        with naming_memory_errors(sample.image):
            predicted = np.concatenate(list(label_strips(model, image, options, probabilities=losses)))
        return sample.name, off_palette, confusion_matrix(labels, predicted, len(classes)), losses

    engine = find_engine(model.network, options.engine)
    pairs = file_mapper(model.network, engine)(read, samples)
    shown = progress_bar("validate", len(samples), "images", pairs, quiet=quiet)
    opened = problems.successes(shown, keep_going=True)
    for name, more, confusion, losses in map_images(engine, label, opened, len(samples)):
        off_palette += more
        per_image[name] = confusion
        loss += losses.total
        known += losses.known
    if not per_image:
        problems.raise_any()
    scores = Scores(classes, per_image, truth_off_palette=off_palette, broken=tuple(problems.lines))
    return ModelScores(loss / known if known else None, scores, engine_in_words(model.network, options.engine))


def read_pair(
    model: Model, sample: Sample, bands: Sequence[int | str] | None = None, stretch: Percentiles | None = None
) -> tuple[ArrayStrips, np.ndarray, OffPalette]:
    """Read an image and its labels, uint8 (H, W): unknown where the image has no data; and the colours of no class.

    Raises:
        LandcoverError: One of them cannot be read, or their sizes differ.
    """
    image = read_image(sample.image, model.images, bands, stretch)
    labels, off_palette = read_labels(sample.mask, model.classes)
    check_same_size(sample.mask, labels.shape, sample.image, (image.height, image.width))
    if (valid := image.valid_mask(0, image.height)) is not None:
        labels[~valid] = UNKNOWN
    return image, labels, off_palette


class _Losses:
    """Adds up the cross-entropy of class probabilities where the truth is known, strip by strip from the top down.

    Args:
        labels: The truth, uint8 (H, W): class indices or `UNKNOWN`.
        classes: Number C.

    Attributes:
        total: Sum so far, in nats.
        known: Pixels so far whose truth is known.
    """

    def __init__(self, labels: np.ndarray, classes: int) -> None:
        self._labels, self._classes, self._top = labels, classes, 0
        self.total, self.known = 0.0, 0

    def __call__(self, probabilities: np.ndarray) -> None:
        """Add the next strip: float32 (C, rows, W)."""
        labels = self._labels[self._top : self._top + probabilities.shape[1]]
        self._top += len(labels)
        rows, columns = np.nonzero(labels < self._classes)
        chosen = probabilities[labels[rows, columns], rows, columns]
        # A probability that float32 rounds to 0 counts as its smallest number: a loss of 87, not infinity.
        self.total -= np.log(chosen.clip(np.finfo(np.float32).tiny)).sum(dtype=np.float64)
        self.known += len(rows)
