"""What integers of 8 bits cost in accuracy, and the time that they save on this processor."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

import numpy as np
import torch

from landcover.classes.off_palette import OffPalette
from landcover.images.pairs import Sample
from landcover.inference.engines import find_engine
from landcover.inference.mask_files import file_mapper
from landcover.inference.model_scores import read_pair
from landcover.inference.options import InferenceOptions
from landcover.inference.passes import map_images
from landcover.inference.prediction import label_strips
from landcover.inference.strips import ArrayStrips
from landcover.models.int8 import Int8
from landcover.models.model_file import Model
from landcover.rasters.stretching import Percentiles
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.scores import Scores
from landcover.system.errors import Problems, naming_memory_errors
from landcover.system.parallel import error_as_result
from landcover.system.progress_bar import progress_bar

_OPTIONS = InferenceOptions(engine="onnxruntime")
_TURNS = 7


@dataclass(frozen=True)
class Comparison:
    """Scores of float weights and of 8-bit integers on the same images with masks, both by onnxruntime.

    Attributes:
        floats, integers: Scores of the labels.
        same_labels: Share of the pixels that get the same class, 0 to 1.
    """

    floats: Scores
    integers: Scores
    same_labels: float


def with_int8(model: Model, int8: Int8 | None) -> Model:
    """A model with a graph of 8-bit integers, or without one; the weights are shared."""
    network = copy.copy(model.network)
    network.int8 = int8
    return replace(model, network=network)


def compare(
    model: Model,
    samples: Sequence[Sample],
    *,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
    quiet: bool = False,
) -> Comparison:
    """Label images by the float weights and by the 8-bit integers of a model, and compare both with the masks.

    Args:
        model: With a graph of 8-bit integers, on a CPU.
        samples: At least one.
        bands, stretch: See `reading.read_image`.
        quiet: Show no progress bar.

    Raises:
        LandcoverError: A pair cannot be read, a line for each; or onnxruntime cannot run the model.
    """
    models, count = (with_int8(model, None), model), len(model.classes)
    problems, off_palette, same, pixels = Problems(), OffPalette(), 0, 0
    confusions: list[dict[str, np.ndarray]] = [{}, {}]

    @error_as_result
    def read(sample: Sample) -> tuple[Sample, ArrayStrips, np.ndarray, OffPalette]:
        return sample, *read_pair(model, sample, bands, stretch)

    def label(
        item: tuple[Sample, ArrayStrips, np.ndarray, OffPalette],
    ) -> tuple[str, OffPalette, list[np.ndarray], np.ndarray]:
        sample, image, truth, colours = item
        with naming_memory_errors(sample.image):
            made = [np.concatenate(list(label_strips(one, image, _OPTIONS))) for one in models]
        return sample.name, colours, [confusion_matrix(truth, one, count) for one in made], made[0] == made[1]

    engines = [find_engine(one.network, _OPTIONS.engine) for one in models]
    pairs = file_mapper(model.network, engines[1])(read, samples)
    opened = problems.successes(progress_bar("compare", len(samples), "images", pairs, quiet=quiet))
    for name, colours, both, equal in map_images(engines[1], label, opened, len(samples)):
        for found, confusion in zip(confusions, both, strict=True):
            found[name] = confusion
        off_palette += colours
        same, pixels = same + int(equal.sum()), pixels + equal.size
    problems.raise_any()
    floats, integers = (Scores(model.classes, found, truth_off_palette=off_palette) for found in confusions)
    return Comparison(floats, integers, same / pixels)


def seconds(model: Model, image: np.ndarray) -> tuple[float, float]:
    """Seconds that the network takes for an image with all threads of PyTorch: float weights, 8-bit integers.

    Medians of several turns, in which they take turns.

    Args:
        model: With a graph of 8-bit integers, on a CPU.
        image: (H, W, B) at working resolution.
    """
    inputs = model.network.to_input(np.stack([image]))
    networks = (with_int8(model, None).network, model.network)
    forwards = [find_engine(one, _OPTIONS.engine).forward(1, torch.get_num_threads()) for one in networks]
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(_TURNS + 1):
        for forward, times in zip(forwards, taken, strict=True):
            start = perf_counter()
            forward(inputs)
            if turn:  # the first also allocates
                times.append(perf_counter() - start)
    return median(taken[0]), median(taken[1])


def fast_instructions() -> str | None:
    """The instructions of this processor that add products of 8-bit integers, in words; None if it has none."""
    found = torch.cpu.get_capabilities()
    if found.get("avx512_vnni") or found.get("avx_vnni"):
        return "VNNI"
    return "dot products" if found.get("dot") else None  # of ARM


def processor() -> str:
    """Name of this processor."""
    return str(torch.cpu.get_capabilities().get("cpu_name") or "this processor")
