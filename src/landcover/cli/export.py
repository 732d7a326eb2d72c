"""The command `landcover export`: a trained model as an ONNX file, for use without this program."""

import math
from pathlib import Path

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import real_number, whole_number
from landcover.cli.options import model_argument, output_file_option, quiet_option
from landcover.export.options import MAX_TILE_SIZE, OPSET, RESOLUTION, TILE_SIZE
from landcover.inference.options import ALIGNMENT, DEFAULTS, OVERLAP_LIMIT, SMALLEST_WINDOW
from landcover.system.errors import say

_EPILOG = f"""\
The file has opset {OPSET}, which onnxruntime runs from version 1.16, and needs
no other file. Normalisation and softmax are included:

  image          float32 (batch, bands, PIXELS, PIXELS): RGB in 0..1; of a model
                 of other images its bands, in order, pixels of 8 bits in 0..1,
                 others as they are
  probabilities  float32 (batch, classes, PIXELS, PIXELS), without the class
                 that is never predicted

The size of the batch is free; with --dynamic, so are height and width.

Its metadata tells the QGIS plugin Deepness and the program geodeep (pip
install geodeep) how to use it: the classes, the size of tiles, and the ground
resolution that the network expects. Deepness scales every layer to that
resolution; it accepts only layers in metres and needs the true value. geodeep
scales only rasters that are finer, by whole factors, which the default of
{RESOLUTION:g} cm avoids. It mistakes degrees for metres: run it with -r 0.001
on a raster in degrees, and it does not scale it.

The packages onnx and onnxscript are needed (pip install -r
requirements-extras.txt).

Examples:
  landcover export models/model.safetensors -o model.onnx
  landcover export models/model.safetensors -o model.onnx --resolution 50
  landcover export int8.safetensors -o int8.onnx --int8
  geodeep town.tif model.onnx -t mask -o classes.tif
  geodeep town.tif model.onnx -t geojson -o classes.geojson

Exit codes:
  0  the file was written
  1  it was not, and stderr says why: no such model, missing packages
  2  wrong command line
"""


@click.command(cls=Command, epilog=_EPILOG)
@model_argument
@output_file_option
@click.option(
    "--tile-size",
    type=whole_number(SMALLEST_WINDOW, MAX_TILE_SIZE, ALIGNMENT),
    default=TILE_SIZE,
    metavar="PIXELS",
    help=f"Height and width of the images it takes: a multiple of {ALIGNMENT}, {SMALLEST_WINDOW} to {MAX_TILE_SIZE}.",
)
@click.option(
    "--dynamic", is_flag=True, help="Take images of any height and width, which Deepness and geodeep cannot use."
)
@click.option(
    "--int8", is_flag=True, help="Write the integers of 8 bits of a model that landcover quantize made. Not --dynamic."
)
@click.option(
    "--overlap",
    type=real_number(lambda share: 0 <= share < OVERLAP_LIMIT, f"from 0 to below {OVERLAP_LIMIT}"),
    default=DEFAULTS.overlap,
    metavar="SHARE",
    help=f"Share of a tile that the next one covers too, 0 to below {OVERLAP_LIMIT}.",
)
@click.option(
    "--resolution",
    type=real_number(lambda centimetres: 0 < centimetres < math.inf, "above 0"),
    metavar="CM",
    help=f"Centimetres of ground per pixel at the model's working resolution; by default {RESOLUTION:g}, with a note.",
)
@quiet_option("Print errors only: no summary, no note.")
def export(
    model: Path,
    output: Path,
    tile_size: int,
    dynamic: bool,
    int8: bool,
    overlap: float,
    resolution: float | None,
    quiet: bool,
) -> None:
    """Write a model as ONNX, for onnxruntime, QGIS and geodeep."""
    from landcover.export.onnx_export import export_onnx
    from landcover.models.model_file import load_model
    from landcover.system.outputs import check_outputs

    if int8 and dynamic:
        raise click.UsageError("--int8 and --dynamic: integers are exported for one size of tile. Remove one of them.")
    check_outputs([model], files=[output])
    loaded = load_model(model)
    loaded.warn_if_collapsed()
    export_onnx(
        loaded,
        output,
        tile_size=tile_size,
        dynamic=dynamic,
        resolution=RESOLUTION if resolution is None else resolution,
        overlap=overlap,
        int8=int8,
    )
    if quiet:
        return
    size = f"{len(loaded.images.bands)}, " + ("height, width" if dynamic else f"{tile_size}, {tile_size}")
    say(
        f"{output}: {loaded.architecture}{', int8' if int8 else ''}, {len(loaded.classes)} classes, "
        f"input (batch, {size}), opset {OPSET}, {output.stat().st_size / 1e6:.1f} MB"
    )
    if resolution is None and not dynamic:
        print(
            f"note: its metadata says {RESOLUTION:g} cm per pixel: geodeep then leaves coarser rasters in metres "
            "unscaled, Deepness needs the true value (--resolution)"
        )
