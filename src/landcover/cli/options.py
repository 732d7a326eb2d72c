"""Options that several commands share, each declared once."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from landcover.cli.option_types import PATH, chosen_bands, degrees, numbers, percentiles, real_number, whole_number
from landcover.inference.options import (
    ALIGNMENT,
    DEFAULTS,
    ENGINES,
    OVERLAP_LIMIT,
    SCALES,
    SMALLEST_WINDOW,
    TTA,
    InferenceOptions,
)
from landcover.scale.options import BLOCK, BLOCK_UNIT, ScaleOptions
from landcover.system.devices import DEVICES
from landcover.system.errors import LandcoverError

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


@dataclass(frozen=True, kw_only=True)
class ScoringOptions:
    """How masks are scored.

    Attributes:
        truth: Folder of the true masks.
        classes: A file with the classes and their colours; None to look for one.
        max_off_palette: Share of a folder's pixels that may have colours of no class, 0 to 1.
        allow_missing: Whether masks without a partner are left out, rather than an error.
        quiet: Whether progress and notes are left out.
    """

    truth: Path
    classes: Path | None
    max_off_palette: float
    allow_missing: bool
    quiet: bool


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What images are searched for in a STAC catalogue.

    Attributes:
        url: Of the catalogue; None to search for none.
        collections: Ids; none for all.
        box: West, south, east and north in degrees.
        composite: "median" for one of all images; None for the least cloudy image of each tile.
        max_items: Number of items above which a search is refused.
    """

    url: str | None
    collections: tuple[str, ...]
    box: tuple[float, float, float, float] | None
    composite: str | None
    max_items: int


def quiet_option(effect: str) -> Decorator:
    """The option `--quiet`; its effect is the command's own."""
    return click.option("-q", "--quiet", is_flag=True, help=effect)


def _as_dataclass(kind: type, *declarations: Decorator, argument: str = "options") -> Decorator:
    """Make a decorator that declares the fields of a dataclass as options.

    The command gets an instance of the dataclass as an argument, and so need not repeat the fields.
    """
    names = [field.name for field in fields(kind)]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**values: Any) -> None:
            values[argument] = kind(**{name: values.pop(name) for name in names})
            command(**values)

        declared: Callable[..., None] = run
        for declaration in reversed(declarations):
            declared = declaration(declared)
        return declared

    return decorate


def _check_inference(_: click.Context, param: click.Parameter, value: Any) -> Any:
    """Turn what `InferenceOptions` refuses into an error of usage."""
    try:
        InferenceOptions(**{param.name or "": value})
    except LandcoverError as error:
        raise click.BadParameter(str(error).partition(" = ")[2]) from error
    return value


json_option = click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, numbers unrounded.")
model_argument = click.argument(
    "model", type=PATH, metavar="MODEL", help="A model file, such as models/model.safetensors."
)
models_option = click.option(
    "-m",
    "--model",
    "models",
    type=PATH,
    required=True,
    multiple=True,
    metavar="FILE",
    help="A model file, such as models/model.safetensors. Of several (-m A -m B), class probabilities are averaged.",
)
output_file_option = click.option(
    "-o", "--output", type=PATH, required=True, metavar="FILE", help="The file to write; an existing one is replaced."
)
device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    help="Where the network runs; auto takes the best device of this machine.",
)
max_off_palette_option = click.option(
    "--max-off-palette",
    type=real_number(lambda share: 0 <= share <= 1, "from 0 to 1"),
    default=0.01,
    metavar="SHARE",
    help="Share of a folder's pixels, 0 to 1, that may have colours of no class; 1 for masks that were saved as JPEG.",
)
bands_option = click.option(
    "--bands",
    type=chosen_bands,
    metavar="N,N,...",
    help="Numbers, from 1, of a GeoTIFF's bands, in the order of the model's (red, green, blue if it is one of "
    "ordinary images); by default the bands that the file names so.",
)
stretch_option = click.option(
    "--stretch",
    type=percentiles,
    metavar="image|LOW,HIGH",
    help="Percentiles of each band of a GeoTIFF that become the range of the training images: 0 to 255 if these have "
    "8 bits; image for 2,98. Needed where one has 8 bits and the other has not.",
)
inference_options = _as_dataclass(
    InferenceOptions,
    click.option(
        "--tta",
        type=click.Choice(list(TTA)),
        default=DEFAULTS.tta,
        help="Average the predictions over mirrored and rotated views of the image: "
        f"{', '.join(f'{views} ({name})' for name, views in TTA.items())}.",
    ),
    click.option(
        "--scales",
        type=numbers,
        callback=_check_inference,
        default=DEFAULTS.scales,
        metavar="F,F,...",
        help="Average the predictions over each of these scales of the image, factors on the model's working "
        f"resolution from {SCALES[0]:g} to {SCALES[1]:g}, such as 0.75,1,1.25.",
    ),
    click.option(
        "--window",
        type=whole_number(1),
        callback=_check_inference,
        default=DEFAULTS.window,
        metavar="PIXELS",
        help="Side of the windows in which large images are labelled, at the model's working resolution: "
        f"a multiple of {ALIGNMENT}, at least {SMALLEST_WINDOW}.",
    ),
    click.option(
        "--overlap",
        type=float,
        callback=_check_inference,
        default=DEFAULTS.overlap,
        metavar="SHARE",
        help=f"Share of a window that the next one covers too, 0 to below {OVERLAP_LIMIT}; "
        "unless 0, at least 96 pixels or half a window.",
    ),
    click.option(
        "--batch-size",
        type=whole_number(1),
        default=DEFAULTS.batch_size,
        metavar="WINDOWS",
        help="Number of windows that pass through the network at once; more than 1 for a GPU.",
    ),
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default=DEFAULTS.engine,
        help="What runs the network; auto is onnxruntime on a CPU, if it is installed and can run the network, else "
        "torch.",
    ),
)
search_options = _as_dataclass(
    SearchOptions,
    click.option(
        "--stac",
        "url",
        metavar="URL",
        help="Search the STAC catalogue there, an API or a static one, for images; needs --bbox.",
    ),
    click.option(
        "--collection",
        "collections",
        multiple=True,
        metavar="ID",
        help="With --stac: in this collection; may be given several times.",
    ),
    click.option(
        "--bbox",
        "box",
        type=degrees,
        metavar="W,S,E,N",
        help="With --stac: of this part of the Earth, in degrees; the maps are of it alone.",
    ),
    click.option(
        "--composite",
        type=click.Choice(["median"]),
        help="With --stac: draw one map of the median of all images that are found, rather than one of the least "
        "cloudy image of each tile.",
    ),
    click.option(
        "--max-items",
        type=whole_number(1, 1_000_000),
        default=1000,
        metavar="N",
        help="With --stac: the largest number of items that a search may find.",
    ),
    argument="search_for",
)
scale_options = _as_dataclass(
    ScaleOptions,
    click.option(
        "--workers",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="Let N processes of this machine do the work, each with one thread, or one GPU with --device cuda; 0 for "
        "this process alone.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="Let the workers of a Dask scheduler do the work: its address, such as tcp://10.0.0.5:8786, or its "
        "scheduler file.",
    ),
    click.option(
        "--block",
        type=whole_number(BLOCK_UNIT, factor=BLOCK_UNIT),
        default=BLOCK,
        metavar="PIXELS",
        help="With workers: side of the blocks in which they draw GeoTIFFs; the map does not depend on it.",
    ),
    argument="scale",
)
classes_option = click.option(
    "--classes",
    type=PATH,
    metavar="FILE",
    help="A params.yaml, model.safetensors or JSON file with the classes and their colours; found as described "
    "below by default.",
)
allow_missing_option = click.option(
    "--allow-missing", is_flag=True, help="Leave out masks without a partner, and say how many."
)
scoring_options = _as_dataclass(
    ScoringOptions,
    click.option(
        "-g", "--labels", "truth", type=PATH, required=True, metavar="FOLDER", help="Folder of the true masks."
    ),
    classes_option,
    max_off_palette_option,
    allow_missing_option,
)
