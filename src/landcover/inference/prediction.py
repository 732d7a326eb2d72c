"""Label images with a trained model."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landcover.classes.class_table import IGNORE
from landcover.images.pairs import read_rgb, save_png
from landcover.inference.strips import ArrayStrips, ScaledStrips, StripReader, sliding
from landcover.inference.tiling import STRIP, Blender, Window, upsample_strips, windows
from landcover.models.folding import fold_batch_norm
from landcover.models.model_file import Model
from landcover.system.errors import LandcoverError, naming_memory_errors
from landcover.system.files import naming_write_errors, replacing
from landcover.system.outputs import check_outputs
from landcover.system.parallel import error_as_result, grouped_map, parallel_map
from landcover.system.progress_bar import progress_bar

TTA = {"none": 1, "flip": 2, "d4": 8}
"""Test-time augmentation: how many views of an image are averaged (itself; and mirrored; all eight symmetries)."""


def for_inference(model: Model, device: torch.device) -> Model:
    """The model as it labels fastest, on `device`, its batch norms folded; the one given is no good any more."""
    return replace(model, network=fold_batch_norm(model.network).to(device))


def file_mapper(network: nn.Module) -> Callable[[Callable, Iterable], Iterator]:
    """How to map what is to be done with files before and after the network: `parallel_map` or `grouped_map`.

    Files are read ahead, and written behind, while a GPU computes. A CPU reads, labels and writes in turns, each with
    all cores: a network's threads would wait for the one whose core has something else to do.
    """
    return grouped_map if next(network.parameters()).device.type == "cpu" else parallel_map


def predict_masks(
    model: Model,
    images: Mapping[str, Path | str],
    folder: Path | str,
    *,
    keep_going: bool = False,
    quiet: bool = False,
    probabilities: bool = False,
    ending: str = "_mask.png",
    **options: Any,
) -> list[str]:
    """Write the colour mask `folder/NAME_mask.png` of each image by NAME.

    Args:
        model: Whose classes and colours the masks have.
        images: The images, `pathlib.Path` or str.
        folder: Made if it is not there. A mask in it that has the name of one of these is replaced.
        keep_going: Leave out images that cannot be read.
        quiet: Without a progress bar, which there is on terminals only in any case.
        probabilities: Also write those of the classes, `folder/NAME_probabilities.npy`: float32 (C, H, W).
        ending: What follows NAME in the names of the masks.
        options: Those of `label_image`.

    Returns:
        A line for each image that was left out.

    Raises:
        LandcoverError: A line for each image that cannot be read, unless `keep_going`; or memory does not suffice;
            or a mask would replace the model or an image.
    """
    images, folder = {name: Path(path) for name, path in images.items()}, Path(folder)
    written = [folder / f"{name}{end}" for name in images for end in (ending, *["_probabilities.npy"] * probabilities)]
    check_outputs([*images.values(), *([model.path] if model.path else [])], files=written)
    broken = []
    mapped = file_mapper(model.network)
    arrays = mapped(error_as_result(read_rgb), images.values())
    arrays = progress_bar("predict", len(images), "images", arrays, quiet=quiet)

    def label(name: str, array: np.ndarray) -> np.ndarray:
        with naming_memory_errors(images[name]), ExitStack() as stack:
            if probabilities:
                file = folder / f"{name}_probabilities.npy"
                shape = (len(model.classes), *array.shape[:2])
                options["probabilities"] = stack.enter_context(_array_file(file, shape))
            return label_image(model, array, **options)

    def labelled() -> Iterator[tuple[str, np.ndarray]]:
        for name, array in zip(images, arrays, strict=True):
            if isinstance(array, LandcoverError):
                broken.extend(array.lines)
            elif keep_going or not broken:  # else read on, to name all that is broken
                yield name, label(name, array)

    def write(result: tuple[str, np.ndarray]) -> None:
        name, labels = result
        with naming_memory_errors(images[name]), replacing(folder / f"{name}{ending}") as scratch:
            save_png(model.classes.encode(labels), scratch)

    deque(mapped(write, labelled()), maxlen=0)
    if broken and not keep_going:
        raise LandcoverError(*broken)
    return broken


def label_image(model: Model, image: np.ndarray, tta: str = "none", **options: Any) -> np.ndarray:
    """The most probable class of every pixel of an image in memory: `label_strips` put together.

    Args:
        model: See there, as for `tta` and `options`.
        image: uint8 RGB (H, W, 3), 0 to 255, at source resolution.

    Returns:
        uint8 (H, W) of indices into `model.classes.names`.

    Raises:
        LandcoverError: The image is no such array: nothing is converted unasked.
    """
    return np.concatenate(list(label_strips(model, ArrayStrips(image), tta, **options)))


def label_strips(
    model: Model,
    image: StripReader,
    tta: str = "none",
    *,
    window: int = 512,
    overlap: float = 0.25,
    batch_size: int = 1,
    probabilities: Callable[[np.ndarray], None] | None = None,
) -> Iterator[np.ndarray]:
    """The most probable class of every pixel of an image of any size, band for band.

    The image is scaled to the model's working resolution and labelled in overlapping windows, whose class
    probabilities are blended; the result is upsampled bilinearly to full size, and only then the class chosen. Memory
    grows with the width of the image and hardly with its height: a band as high as a window is held, and no more.

    Args:
        model: Its network computes on the device that it is on.
        image: RGB at source resolution.
        tta: One of `TTA`; class probabilities are averaged over the views.
        window: Pixels at working resolution, a multiple of `tiling.ALIGNMENT`: side of the windows. An image no larger
            than that is labelled as a whole.
        overlap: Share (0 <= overlap < 1) of a window's side that its neighbour covers as well; see `tiling.windows`.
        batch_size: Windows, side by side, that pass through the network together.
        probabilities: Called with the class probabilities of each band, before its labels are handed on: float32
            (C, rows, W), NaN where the image has no data. They are good until the next band.

    Raises:
        LandcoverError: The network, of finite but absurd weights, gives no probabilities.

    Yields:
        uint8 (rows, W) of indices into `model.classes.names`, `IGNORE` where the image has no data; from the top
        down, all in all as high as the image.
    """
    scaled = ScaledStrips(image, model.scale)
    sizes = [(rows.height, rows.width) for rows in (scaled, image)]
    logits_suffice = TTA[tta] == 1 and sizes[0] == sizes[1] and not probabilities
    bands = _score_strips(model.network, scaled, TTA[tta], window, overlap, batch_size, logits_suffice)
    top = 0
    for band in upsample_strips(bands, *sizes):
        total, labels = _best_class(band)
        if not total.isfinite():
            raise LandcoverError(
                f"{model.path or 'model'}: class probabilities are not finite numbers. Train it again."
            )
        labels = labels.cpu().numpy()
        known = image.valid_mask(top, top + len(labels))
        if known is not None:
            labels[~known] = IGNORE
        if probabilities:
            values = band.cpu().numpy()
            probabilities(values if known is None else np.where(known, values, np.float32(np.nan)))
        top += len(labels)
        yield labels


def _score_strips(
    network: nn.Module,
    image: StripReader,
    views: int,
    window: int,
    overlap: float,
    batch_size: int,
    logits_suffice: bool,
) -> Iterator[Tensor]:
    """Class probabilities float32 (C, rows, W) of an image, from the top down; logits if they suffice as they are."""
    rows, columns = (windows(length, window, overlap) for length in (image.height, image.width))
    if len(rows) == len(columns) == 1:  # nothing to blend
        pixels = np.stack([image.read(0, image.height)])
        yield (_logits(network, pixels) if logits_suffice else _probabilities(network, pixels, views))[0]
        return
    blender = Blender(image.width)
    bands = sliding(image, [(row.start, row.stop) for row in rows])
    finished = [*(row.start for row in rows[1:]), image.height]
    for row, stop, band in zip(rows, finished, bands, strict=True):
        for batch in _batches(columns, batch_size):
            pixels = np.stack([band[:, column.start : column.stop] for column in batch])
            for column, probabilities in zip(batch, _probabilities(network, pixels, views), strict=True):
                blender.add(probabilities, row, column)
        yield blender.finish(stop)


def _best_class(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over all pixels of the maximum over the classes, float64, and the first class that has it, uint8 (H, W).

    Of float32 (C, H, W). On a CPU four times as fast as `max`; strip by strip, as it takes memory beside the scores.
    """
    rows = max(1, STRIP // scores.shape[2])
    total = scores.new_zeros((), dtype=torch.float64)
    labels = torch.zeros_like(scores[0], dtype=torch.uint8, memory_format=torch.contiguous_format)
    for strip, chosen in zip(scores.split(rows, 1), labels.split(rows, 0), strict=True):
        best = strip[0].clone()
        for label, score in enumerate(strip[1:], 1):
            is_better = score > best
            torch.maximum(best, score, out=best)
            torch.maximum(chosen, is_better.view(torch.uint8) * label, out=chosen)  # a later class: a larger number
        total += best.sum(dtype=torch.float64)
    return total, labels


@contextmanager
def _array_file(path: Path, shape: tuple[int, int, int]) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield what adds bands of rows (C, rows, W) from the top down to a .npy file of float32 (C, H, W).

    Not memory-mapped: then a full disk would end the program without a word.
    """
    height, width = shape[1:]
    with replacing(path) as scratch, scratch.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        start, top = file.tell(), 0

        def write(band: np.ndarray) -> None:
            nonlocal top
            with naming_write_errors(path):
                for channel, rows in enumerate(band):
                    file.seek(start + 4 * width * (channel * height + top))
                    file.write(rows.astype("<f4").tobytes())
            top += band.shape[1]

        yield write


def _batches(columns: list[Window], size: int) -> Iterator[list[Window]]:
    """Up to `size` windows at a time, of one shape."""
    for _, alike in groupby(columns, lambda column: column.stop - column.start):
        alike = list(alike)
        for i in range(0, len(alike), size):
            yield alike[i : i + size]


@torch.inference_mode()
def _logits(network: nn.Module, pixels: np.ndarray) -> Tensor:
    """What the network says of uint8 images (N, H, W, 3): float32 (N, C, H, W)."""
    return network(_batch(network, pixels))


@torch.inference_mode()
def _probabilities(network: nn.Module, pixels: np.ndarray, views: int) -> Tensor:
    """Class probabilities of uint8 images (N, H, W, 3), averaged over `views` symmetries: float32 (N, C, H, W)."""
    batch = _batch(network, pixels)
    total = network(batch).softmax(1)
    for view in range(1, views):
        mirrored, turns = view % 2, view // 2
        seen = torch.rot90(batch.flip(3) if mirrored else batch, turns, (2, 3))
        probabilities = torch.rot90(network(seen).softmax(1), -turns, (2, 3))
        total += probabilities.flip(3) if mirrored else probabilities
    return total / views if views > 1 else total


def _batch(network: nn.Module, pixels: np.ndarray) -> Tensor:
    """uint8 images (N, H, W, 3) as the network wants them: float32 (N, 3, H, W) in 0..1, on its device."""
    device = next(network.parameters()).device
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 255
