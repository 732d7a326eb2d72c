"""Colour masks of image files."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from torch import nn

from landcover.images.image_files import save_palette_png, save_png
from landcover.images.layouts import PROBABILITIES
from landcover.images.pairs import confidence_path
from landcover.inference.engines import Engine, find_engine
from landcover.inference.options import DEFAULTS, InferenceOptions
from landcover.inference.passes import map_images
from landcover.inference.prediction import label_strips
from landcover.inference.reading import read_image
from landcover.inference.strips import ArrayStrips
from landcover.models.model_file import Model
from landcover.rasters.stretching import Percentiles
from landcover.system.errors import Problems, naming_memory_errors
from landcover.system.files import replacing
from landcover.system.npy import npy_strips
from landcover.system.outputs import check_outputs
from landcover.system.parallel import chunked_map, error_as_result, parallel_map
from landcover.system.progress_bar import progress_bar

Item = TypeVar("Item")
Result = TypeVar("Result")


class FileMapper(Protocol):
    """`parallel_map` or `chunked_map`."""

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]:
        """Yield `function(item)` for each item."""


def file_mapper(network: nn.Module, engine: Engine) -> FileMapper:
    """Choose how to map over files before and after the network, `parallel_map` or `chunked_map`.

    While a GPU computes, or an engine labels each image by a thread of its own, files are read ahead and written
    behind. With PyTorch on a CPU, reading, labelling and writing take turns, each on all cores: all of a network's
    threads would wait for the one whose core is busy with a file.
    """
    takes_turns = not engine.is_parallel and next(network.parameters()).device.type == "cpu"
    return chunked_map if takes_turns else parallel_map


def checked_outputs(
    model: Model, images: Mapping[str, Path], folder: Path, *, probabilities: bool, confidence: bool, ending: str
) -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
    """Return the files of masks, of class probabilities and of confidence by NAME: see `predict_masks`.

    Raises:
        LandcoverError: One would replace the model or an image.
    """
    masks = {name: folder / f"{name}{ending}" for name in images}
    arrays = {name: folder / f"{name}{PROBABILITIES}.npy" for name in images if probabilities}
    sure = {name: confidence_path(mask) for name, mask in masks.items() if confidence}
    written = [*masks.values(), *arrays.values(), *sure.values()]
    check_outputs([*images.values(), *model.files], files=written)
    return masks, arrays, sure


def predict_masks(
    model: Model,
    images: Mapping[str, Path | str],
    folder: Path | str,
    options: InferenceOptions = DEFAULTS,
    *,
    keep_going: bool = False,
    quiet: bool = False,
    probabilities: bool = False,
    confidence: bool = False,
    ending: str = "_mask.png",
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
) -> list[str]:
    """Write the colour mask `folder/NAME_mask.png` of each image.

    Args:
        model: Gives the masks their classes and colours.
        images: The image files by NAME.
        folder: Made if it does not exist. Existing masks of the same names are replaced.
        options: Windows and views, and the engine.
        keep_going: Skip images that cannot be read.
        quiet: Show no progress bar. Without a terminal there is none in any case.
        probabilities: Also write the class probabilities, `folder/NAME_probabilities.npy`: float32 (C, H, W).
        confidence: Also write how sure the network is of each pixel, see `prediction.label_strips`: a grey PNG,
            `pairs.confidence_path`.
        ending: What follows NAME in the names of the masks.
        bands, stretch: See `reading.read_image`.

    Returns:
        A line for each image that was skipped.

    Raises:
        LandcoverError: Images cannot be read, a line for each, unless `keep_going`; memory does not suffice; a mask
            would replace the model or an image.
    """
    paths, folder = {name: Path(path) for name, path in images.items()}, Path(folder)
    layers: dict[str, Any] = {"probabilities": probabilities, "confidence": confidence, "ending": ending}
    masks, arrays, sure = checked_outputs(model, paths, folder, **layers)

    @error_as_result
    def read(name: str) -> tuple[str, ArrayStrips]:
        return name, read_image(paths[name], model.images, bands, stretch)

    def label(item: tuple[str, ArrayStrips]) -> tuple[str, np.ndarray, np.ndarray | None]:
        name, image = item
        with naming_memory_errors(paths[name]), ExitStack() as stack:
            add_strip = None
            parts: list[np.ndarray] = []
            if probabilities:
                shape = (len(model.classes), image.height, image.width)
                add_strip = stack.enter_context(npy_strips(arrays[name], shape))
            add_part = parts.append if confidence else None
            labels = [*label_strips(model, image, options, probabilities=add_strip, confidence=add_part)]
            return name, np.concatenate(labels), np.concatenate(parts) if parts else None

    def write(item: tuple[str, np.ndarray, np.ndarray | None]) -> None:
        name, labels, values = item
        with naming_memory_errors(paths[name]), ExitStack() as stack:
            if values is not None:  # renamed after the mask: a mask alone is one that has to be drawn again
                save_png(values, stack.enter_context(replacing(sure[name])))
            save_palette_png(labels, model.classes.palette, stack.enter_context(replacing(masks[name])))

    engine, problems = find_engine(model.network, options.engine), Problems()
    map_files = file_mapper(model.network, engine)
    opened = progress_bar("predict", len(paths), "images", map_files(read, paths), quiet=quiet)
    labelled = map_images(engine, label, problems.successes(opened, keep_going=keep_going), len(paths))
    deque(map_files(write, labelled), maxlen=0)
    if not keep_going:
        problems.raise_any()
    return problems.lines
