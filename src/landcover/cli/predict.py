"""The command `landcover predict`: maps of any images, outside the pipeline."""

import math
from collections.abc import Sequence
from datetime import datetime
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
NAME_mask, NAME_confidence and NAME_probabilities. The map of NAME.EXT or
NAME_sat.EXT is called NAME_mask and has the size of the image.

The map of a tif, tiff, jp2 or vrt is a GeoTIFF, NAME_mask.tif: labels with the
colours and names of the classes, overviews, the reference system and transform
of the image, and nodata where the image has none. Beside it lie NAME_mask.qml
and NAME_mask.tif.aux.xml, by which QGIS and GDAL show the names of the classes.
The map of any other image is a colour mask, NAME_mask.png. --format chooses
another format: png for images of 8 bits, gtiff or cog (Cloud Optimized GeoTIFF)
for all that the documentation lists. GeoTIFFs need rasterio (pip install -r
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
  landcover predict scene.tif -m models/model.safetensors -o maps --stac \\
      --polygons scene.gpkg --min-area 5000 --simplify 20
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


def positive_number(value: str) -> float:
    """Type of a number above 0."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise click.BadParameter(f"{value}: give a number above 0.")
    return number


def point_in_time(value: str) -> datetime:
    """Type of a time in ISO 8601."""
    from landcover.geo.times import parsed_time

    if moment := parsed_time(value):
        return moment
    raise click.BadParameter(f"{value}: give a time such as 2024-06-01T10:30:00Z, or a day.")


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
    "--min-area",
    type=positive_number,
    metavar="SQUARE_METRES",
    help="With --polygons: merge smaller areas into the neighbour with the longest common border. Without a reference "
    "system: squares of the unit of its coordinates, such as pixels. The map is then held in memory, about 30 bytes a "
    "pixel.",
)
@click.option(
    "--simplify",
    type=positive_number,
    metavar="METRES",
    help="With --polygons: simplify borders by about so much, the same way on both sides, without gaps or overlaps. "
    "Without a reference system: in the unit of its coordinates. All polygons are then held in memory.",
)
@click.option(
    "--confidence",
    is_flag=True,
    help="Also write how sure the network is of each pixel, NAME_confidence beside NAME_mask: one band of 8 bits, 255 "
    "for a probability of 1, 0 where there is no data. landcover report shows it.",
)
@click.option(
    "--probabilities",
    is_flag=True,
    help="Also write the class probabilities as float32: NAME_probabilities.tif, or .npy (C, H, W) for a PNG.",
)
@click.option(
    "--stac",
    is_flag=True,
    help="Also describe each GeoTIFF as an item of a SpatioTemporal Asset Catalog, NAME_mask.json.",
)
@click.option(
    "--datetime",
    "time",
    type=point_in_time,
    metavar="TIME",
    help="With --stac: when images were taken that do not tell, such as 2024-06-01T10:30:00Z.",
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
    min_area: float | None,
    simplify: float | None,
    confidence: bool,
    probabilities: bool,
    stac: bool,
    time: datetime | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Draw the map NAME_mask of each image."""
    from landcover.cli.inputs import find_inputs
    from landcover.cli.map_drawing import draw_maps, draw_polygons, require_rasters
    from landcover.cli.map_jobs import check_jobs, plan_jobs
    from landcover.geo.polygon_files import source_of
    from landcover.geo.stac_files import add_polygons, check_item
    from landcover.inference.prediction import for_inference
    from landcover.models.model_file import load_model
    from landcover.system.devices import choose_device
    from landcover.system.scratch import make_folder

    jobs = plan_jobs(find_inputs(inputs), output, format, probabilities, stac, confidence)
    require_rasters(jobs, {"bands": bands, "stretch": stretch, "polygons": polygons, "stac": stac})
    if polygons and len(jobs) > 1:
        raise LandcoverError(f"--polygons {polygons}: for a single image, not {len(jobs)}. Name one image.")
    for name, value in (("min-area", min_area), ("simplify", simplify)):
        if value and not polygons:
            raise LandcoverError(f"--{name} {value:g}: is for polygons. Add --polygons FILE, or remove it.")
    if time and not stac:
        raise LandcoverError("--datetime: is for STAC items. Add --stac, or remove it.")
    new = check_jobs(jobs, output, model, polygons, overwrite=overwrite)
    for job in new:
        if job.item:
            check_item(job.item)
    if polygons:
        source_of(polygons)  # an error, before hours of work, if the existing file must not be replaced
    loaded = for_inference(load_model(model), choose_device(device))
    loaded.warn_if_collapsed()
    make_folder(jobs[0].mask.parent)
    drawing = DrawingOptions(options, bands, stretch, allow_vrt_paths, probabilities, quiet, time, confidence)
    broken = draw_maps(loaded, new, drawing)
    if polygons and not broken:
        draw_polygons(polygons, jobs[0].mask, min_area, simplify, overwrite=overwrite, quiet=quiet)
        if jobs[0].item:
            add_polygons(jobs[0].item, polygons)
    if not quiet:
        kept = len(jobs) - len(new)
        more = f"; {kept} kept (--overwrite draws them again)" if kept else ""
        say(f"{Path(output)}: {len(new) - len(broken)} masks{more}")
    if broken:
        raise LandcoverError(*broken)
