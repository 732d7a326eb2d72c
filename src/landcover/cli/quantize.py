"""The command `landcover quantize`: a trained model with integers of 8 bits, for processors that are fast at them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH, real_number, whole_number
from landcover.cli.options import (
    bands_option,
    json_option,
    max_off_palette_option,
    model_argument,
    output_file_option,
    quiet_option,
    stretch_option,
)
from landcover.inference.options import DEFAULTS
from landcover.system.errors import LandcoverError, say

if TYPE_CHECKING:
    from landcover.models.int8 import Int8

_EPILOG = """\
The new model holds the weights of MODEL and the same network with integers of
8 bits. It is used like any other: onnxruntime runs the integers (--engine auto
or onnxruntime), PyTorch the weights (--engine torch, GPUs). landcover export
--int8 writes the integers as ONNX.

--calibrate names images like those that will be labelled, as landcover predict
takes them; they need no masks. By up to --images windows of them, spread evenly
over all, the ranges of the integers are chosen. --validate names a folder of
images and masks, as landcover validate takes it: both networks label them, and
it prints

  mean IoU, pixel accuracy   of the weights and of the integers
  same labels                share of the pixels to which both give one class
  seconds                    that both take for one of the windows here, and
                             whether this processor has instructions for such
                             integers (VNNI), with which they gain more

The first convolution, and those that score the classes, keep their precision.
If the mean IoU falls by more than --tolerance, so do the first 3, or the first
9; if it still does, nothing is written. The same model and images give the same
bytes.

Examples:
  landcover quantize models/model.safetensors -o int8.safetensors \\
      --calibrate data/mine/train --validate data/mine/validation
  landcover predict town.jpg -m int8.safetensors -o maps

Exit codes:
  0  the file was written
  1  it was not, and stderr says why: the mean IoU falls too far, no such model,
     images that cannot be read
  2  wrong command line
"""


@click.command(cls=Command, epilog=_EPILOG)
@model_argument
@output_file_option
@click.option(
    "--calibrate",
    "inputs",
    multiple=True,
    required=True,
    metavar="INPUT",
    help="An image, a folder, a pattern, a URL or a list of these; may be given several times.",
)
@click.option(
    "--validate",
    "folder",
    type=PATH,
    required=True,
    metavar="FOLDER",
    help="Folder of images and their masks, on which the loss of accuracy is measured.",
)
@click.option(
    "--images",
    "count",
    type=whole_number(1, 10_000),
    default=64,
    metavar="N",
    help="Largest number of windows by which it is calibrated.",
)
@click.option(
    "--tolerance",
    type=real_number(lambda fall: 0 <= fall <= 1, "from 0 to 1"),
    default=0.005,
    metavar="FALL",
    help="By how much the mean IoU may fall, 0 to 1.",
)
@bands_option
@stretch_option
@max_off_palette_option
@json_option
@quiet_option("Print only the figures: no progress, no summary.")
def quantize(
    model: Path,
    output: Path,
    inputs: Sequence[str],
    folder: Path,
    count: int,
    tolerance: float,
    bands: Sequence[int | str] | None,
    stretch: Literal["image"] | tuple[float, float] | None,
    max_off_palette: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a model of 8-bit integers, faster on some processors."""
    from landcover.cli.inputs import find_inputs, read_lists
    from landcover.cli.printing import print_json
    from landcover.images.pairs import find_samples
    from landcover.inference.calibration_images import calibration_windows
    from landcover.inference.int8_scores import compare, seconds, with_int8
    from landcover.inference.quantisation import FLOAT_LAYERS, quantise
    from landcover.models.int8 import Int8
    from landcover.models.model_file import load_model, save_model
    from landcover.system.outputs import check_outputs

    images, samples = find_inputs(read_lists(inputs)), find_samples(folder)
    paths = [path for path in images.values() if isinstance(path, Path)]
    check_outputs([model, *paths, *(path for pair in samples for path in (pair.image, pair.mask))], files=[output])
    loaded = with_int8(load_model(model), None)
    loaded.warn_if_collapsed()
    windows = [*calibration_windows(loaded, images, count, DEFAULTS.window, bands=bands, stretch=stretch)]
    advice = f"Give masks in the colours of the classes of {model}, or raise --max-off-palette."
    for layers in FLOAT_LAYERS:
        graph = quantise(loaded.network, windows, len(loaded.classes), layers)
        made = with_int8(loaded, Int8(graph=graph, windows=len(windows), float_layers=layers))
        result = compare(made, samples, bands=bands, stretch=stretch, quiet=quiet)
        result.floats.truth_off_palette.check(folder, max_off_palette, advice)
        int8 = _with_scores(made.int8, result, len(samples))
        if (fall := _fall(int8)) <= tolerance:
            break
    taken = seconds(made, windows[0])
    content = int8.to_json() | _speed(windows[0].shape[:2], taken)
    if as_json:
        print_json(content)
    else:
        print("\n".join(_lines(content)), flush=True)
    if fall > tolerance:
        raise LandcoverError(
            f"{output}: not written, as the mean IoU falls by {fall:.4f}, more than {tolerance:g}. "
            "Calibrate on more images like those of the validation set, or raise --tolerance."
        )
    save_model(with_int8(loaded, int8), output)
    if not quiet and not as_json:
        say(f"{output}: {loaded.architecture}, float and int8, {output.stat().st_size / 1e6:.1f} MB")


def _with_scores(int8: "Int8 | None", result: Any, images: int) -> "Int8":
    """The graph with its scores, rounded as metrics are."""
    from dataclasses import replace

    from landcover.system.files import rounded

    assert int8 is not None
    floats, integers = result.floats.figures(), result.integers.figures()
    figures = {
        "mean_iou": integers["mean_iou"],
        "pixel_accuracy": integers["pixel_accuracy"],
        "float_mean_iou": floats["mean_iou"],
        "float_pixel_accuracy": floats["pixel_accuracy"],
        "same_labels": result.same_labels,
    }
    return replace(int8, images=images, **rounded(figures))


def _fall(int8: "Int8") -> float:
    """By how much the mean IoU falls; 0 without known pixels."""
    return round((int8.float_mean_iou or 0) - (int8.mean_iou or 0), 4)  # as both are


def _speed(size: tuple[int, ...], taken: tuple[float, float]) -> dict[str, Any]:
    """Seconds for an image of a size, and what computed."""
    import torch

    from landcover.inference.int8_scores import fast_instructions, processor

    return {
        "height": size[0],
        "width": size[1],
        "threads": torch.get_num_threads(),
        "float_seconds": round(taken[0], 5),
        "seconds": round(taken[1], 5),
        "processor": processor(),
        "instructions": fast_instructions(),
    }


def _lines(content: dict[str, Any]) -> list[str]:
    def row(name: str, key: str) -> list[str]:
        return [name, *("-" if content[one] is None else f"{content[one]:.4f}" for one in (f"float_{key}", key))]

    from landcover.cli.printing import format_table

    rows = [row("mean IoU", "mean_iou"), row("pixel accuracy", "pixel_accuracy"), row("seconds", "seconds")]
    has = f"has {content['instructions']}" if content["instructions"] else "has no VNNI, with which int8 gains more"
    return [
        format_table(["", "float", "int8"], rows),
        "",
        f"same labels: {content['same_labels']:.4f} of {content['images']} images",
        f"calibrated on: {content['windows']} windows; the first {content['float_layers']} convolutions stay float",
        f"seconds: of an image of {content['height']}x{content['width']}, {content['threads']} threads; "
        f"{content['float_seconds'] / content['seconds']:.2f} times as fast",
        f"processor: {content['processor']}, {has}",
    ]
