"""The command `landcover export`: a trained model as an ONNX file, for use without this program."""

import argparse
import math
from pathlib import Path

from landcover.cli.arguments import ALIGNMENT, OVERLAP, declare, share, whole
from landcover.system.errors import say

# The library's, said again because importing it takes seconds and --help must not: onnx_export.OPSET and the defaults
# of export_onnx.
OPSET = 18
TILE_SIZE = 512
RESOLUTION = 10.0

_EPILOG = f"""\
The file is of opset {OPSET}, which onnxruntime runs from 1.16 on, and needs nothing else. Normalisation and softmax are
in it:
  image          float32 (batch, 3, PIXELS, PIXELS), RGB in 0..1
  probabilities  float32 (batch, classes, PIXELS, PIXELS), without the class that is never predicted
The batch is free; with --dynamic, height and width are as well.

Its metadata tell the QGIS plugin Deepness and the program geodeep (pip install geodeep) how to use it: classes, tiles,
and the resolution that the network expects. Deepness scales every layer to that one; it takes layers in metres only and
needs the true value. geodeep scales only what is finer, by whole factors, which the default of {RESOLUTION:g} cm
avoids; it takes degrees for metres, so call it with -r 0.001 for a raster in degrees, and it scales nothing.

Writing takes the packages onnx and onnxscript (pip install -r requirements-extras.txt).

examples:
  landcover export models/model.safetensors -o model.onnx
  landcover export models/model.safetensors -o model.onnx --resolution 50 --tile-size 256
  geodeep town.tif model.onnx -t mask -o classes.tif
  geodeep town.tif model.onnx -t geojson -o classes.geojson

exit codes:
  0  the file is there
  1  it is not, and stderr says why: no such model, packages that are missing
  2  wrong arguments
"""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Declare it."""
    command = declare(commands, "export", "write a model as ONNX, for onnxruntime, QGIS and geodeep", _EPILOG)
    command.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="to write; one that is there is replaced"
    )
    command.add_argument(
        "--tile-size",
        type=whole(2 * ALIGNMENT, ALIGNMENT, most=8192),
        default=TILE_SIZE,
        metavar="PIXELS",
        help=f"height and width of the images it takes: a multiple of {ALIGNMENT} ({TILE_SIZE})",
    )
    command.add_argument(
        "--dynamic", action="store_true", help="take images of any height and width; Deepness and geodeep cannot"
    )
    command.add_argument(
        "--overlap",
        type=share,
        default=OVERLAP,
        metavar="SHARE",
        help=f"of a tile that the next one covers too, 0 to below 0.9 ({OVERLAP})",
    )
    command.add_argument(
        "--resolution",
        type=centimetres,
        metavar="CM",
        help=f"of ground that a pixel covers at the model's working resolution ({RESOLUTION:g})",
    )
    command.add_argument("-q", "--quiet", action="store_true", help="no summary, no note; errors only")
    command.set_defaults(run=export)


def export(arguments: argparse.Namespace) -> None:
    """Write the file and say what it is."""
    # Imported here, so that --help answers at once.
    from landcover.export.onnx_export import export_onnx
    from landcover.models.model_file import load_model
    from landcover.system.outputs import check_outputs

    check_outputs([arguments.model], files=[arguments.output])
    model = load_model(arguments.model)
    model.warn_if_collapsed()
    options = {name: getattr(arguments, name) for name in ("tile_size", "dynamic", "overlap")}
    export_onnx(model, arguments.output, resolution=arguments.resolution or RESOLUTION, **options)
    if arguments.quiet:
        return
    size = "height, width" if arguments.dynamic else f"{arguments.tile_size}, {arguments.tile_size}"
    say(
        f"{arguments.output}: {model.architecture}, {len(model.classes)} classes, input (batch, 3, {size}), "
        f"opset {OPSET}, {arguments.output.stat().st_size / 1e6:.1f} MB"
    )
    if arguments.resolution is None and not arguments.dynamic:
        print(
            f"note: it says {RESOLUTION:g} cm a pixel: geodeep leaves coarser rasters in metres as they are, "
            "Deepness needs the true value (--resolution)"
        )


def centimetres(text: str) -> float:
    """A type for argparse: a finite number above 0."""
    if not 0 < float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: give a number above 0")
    return float(text)
