"""The command `landcover predict`: maps of any images, outside the pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click

from landcover.cli.command_line import Command
from landcover.cli.map_formats import AUTO, MAP_FORMATS, DrawingOptions
from landcover.cli.options import (
    bands_option,
    device_option,
    inference_options,
    model_option,
    quiet_option,
    stretch_option,
)
from landcover.geo.polygon_files import POLYGON_FORMATS
from landcover.inference.options import InferenceOptions
from landcover.system.errors import LandcoverError, say

_EPILOG = """\
INPUT is an image, a folder, or a pattern such as "images/**/*.jpg" (in quotes,
as a command line holds only so many names). In a folder with files called
NAME_sat.EXT these are the images; in any other, all jpg, png and tif files but
NAME_mask and NAME_probabilities. The map of NAME.EXT or NAME_sat.EXT is called
NAME_mask and has the size of the image.

The map of a tif, tiff, jp2 or vrt is a GeoTIFF, NAME_mask.tif: labels with the
colours and names of the classes, overviews, the reference system and transform
of the image, and nodata where the image has none. The map of any other image
is a colour mask, NAME_mask.png. --format chooses another format: png for
images of 8 bits, gtiff or cog (Cloud Optimized GeoTIFF) for all that the
documentation lists. GeoTIFFs need rasterio (pip install -r
requirements-extras.txt). Only files on this machine are read, and for a VRT
only those in its folder and below.

A model knows the names of its bands and finds them in the file, whatever their
order; --bands chooses others, by number. The values are used as they are: a
model of 8-bit images takes images of other pixel types only with --stretch.

Images larger than the window are labelled in overlapping windows that are
blended. GeoTIFFs are read, labelled and written in strips of rows, so that
memory does not grow with their height.

Existing maps are kept: after an interruption, the same command goes on.
--overwrite draws them again, but never replaces a file in a folder that holds
one of the images: NAME_mask beside NAME_sat may be the truth.

Examples:
  landcover predict town.jpg coast.png -m models/model.safetensors -o maps
  landcover predict images/ -m models/model.safetensors -o maps --tta d4
  landcover predict "images/**/*.jpg" -m models/model.safetensors -o maps \\
      --overwrite --quiet
  landcover predict town.jpg -m models/model.safetensors -o town_map.png
  landcover predict scene.tif -m models/model.safetensors -o maps \\
      --bands 4,3,2 --stretch image --polygons scene.gpkg
  landcover predict big.tif -m models/model.safetensors -o maps \\
      --device cuda --window 1024 --batch-size 8

Exit codes:
  0  every image has its map
  1  some do not: broken images (the others have theirs) or wrong input;
     stderr says what, a line for each
  2  wrong command line
"""


def polygon_file(value: str) -> Path:
    """Type of the name of a file of polygons."""
    if Path(value).suffix.lower() not in POLYGON_FORMATS:
        raise click.BadParameter(f"{value}: give a file name that ends in {' or '.join(POLYGON_FORMATS)}.")
    return Path(value)


@click.command(cls=Command, epilog=_EPILOG)
@click.argument(
    "inputs",
    nargs=-1,
    required=True,
    type=click.Path(readable=False),
    metavar="INPUT...",
    help="An image, a folder or a pattern.",
)
@model_option
@click.option(
    "-o",
    "--output",
    type=click.Path(readable=False),
    required=True,
    metavar="FOLDER",
    help="Folder for the maps; or, for a single image, the map itself: a .tif or .png file.",
)
@inference_options
@device_option
@click.option(
    "--format",
    type=click.Choice([AUTO, *MAP_FORMATS]),
    default=AUTO,
    help=f"Format of the maps: {', '.join(f'{name} ({form.title})' for name, form in MAP_FORMATS.items())}; auto goes "
    "by the image.",
)
@bands_option
@stretch_option
@click.option(
    "--allow-vrt-paths", is_flag=True, help="Let a VRT read files outside its folder, anywhere on this machine."
)
@click.option(
    "--polygons",
    type=polygon_file,
    metavar="FILE",
    help=f"Also write the map of a GeoTIFF as polygons with class and area, to a {' or '.join(POLYGON_FORMATS)} file.",
)
@click.option(
    "--probabilities",
    is_flag=True,
    help="Also write the class probabilities as float32: NAME_probabilities.tif, or .npy (C, H, W) for a PNG.",
)
@click.option("--overwrite", is_flag=True, help="Draw existing maps again.")
@quiet_option("Print errors only: no progress, no summary.")
def predict(
    inputs: Sequence[str],
    model: Path,
    output: str,
    options: InferenceOptions,
    device: str,
    format: str,
    bands: Sequence[int | str] | None,
    stretch: Literal["image"] | tuple[float, float] | None,
    allow_vrt_paths: bool,
    polygons: Path | None,
    probabilities: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Draw the map NAME_mask of each image."""
    from landcover.cli.inputs import find_inputs
    from landcover.cli.map_drawing import draw_maps, draw_polygons, require_rasters
    from landcover.cli.map_jobs import check_jobs, plan_jobs
    from landcover.geo.polygon_files import source_of
    from landcover.inference.prediction import for_inference
    from landcover.models.model_file import load_model
    from landcover.system.devices import choose_device
    from landcover.system.scratch import make_folder

    jobs = plan_jobs(find_inputs(inputs), output, format, probabilities)
    require_rasters(jobs, {"bands": bands, "stretch": stretch, "polygons": polygons})
    if polygons and len(jobs) > 1:
        raise LandcoverError(f"--polygons {polygons}: for a single image, not {len(jobs)}. Name one image.")
    new = check_jobs(jobs, output, model, polygons, overwrite=overwrite)
    if polygons:
        source_of(polygons)  # an error, before hours of work, if the existing file must not be replaced
    loaded = for_inference(load_model(model), choose_device(device))
    loaded.warn_if_collapsed()
    make_folder(jobs[0].mask.parent)
    drawing = DrawingOptions(options, bands, stretch, allow_vrt_paths, probabilities, quiet)
    broken = draw_maps(loaded, new, drawing)
    if polygons and not broken:
        draw_polygons(polygons, jobs[0].mask, overwrite=overwrite, quiet=quiet)
    if not quiet:
        kept = len(jobs) - len(new)
        more = f"; {kept} kept (--overwrite draws them again)" if kept else ""
        say(f"{Path(output)}: {len(new) - len(broken)} masks{more}")
    if broken:
        raise LandcoverError(*broken)
