"""The command `landcover predict`: maps of any images, outside the pipeline."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from landcover.cli.command_line import Command
from landcover.cli.map_formats import AUTO, MAP_FORMATS, DrawingOptions
from landcover.cli.options import (
    SearchOptions,
    bands_option,
    device_option,
    inference_options,
    models_option,
    quiet_option,
    scale_options,
    search_options,
    stretch_option,
)
from landcover.geo.polygon_files import POLYGON_FORMATS
from landcover.inference.options import InferenceOptions
from landcover.scale.fork_server import start_fork_server
from landcover.scale.options import ScaleOptions
from landcover.system.errors import LandcoverError, say
from landcover.system.locations import location

_EPILOG = """\
INPUT is an image, a folder, a pattern such as "images/**/*.jpg" (in quotes, as
a command line holds only so many names), the URL of a raster (https, s3, gs or
az), or a .txt file that names one of these a line. In a folder with files
called NAME_sat.EXT these are the images; in any other, all jpg, png and tif
files but NAME_mask, NAME_confidence and NAME_probabilities. The map of NAME.EXT
or NAME_sat.EXT is called NAME_mask and has the size of the image.

The map of a tif, tiff, jp2 or vrt is a GeoTIFF, NAME_mask.tif: labels with the
colours and names of the classes, overviews, the reference system and transform
of the image, and nodata where the image has none. Beside it lie NAME_mask.qml
and NAME_mask.tif.aux.xml, by which QGIS and GDAL show the names of the classes.
The map of any other image is a colour mask, NAME_mask.png. --format chooses
another format: png for images of 8 bits, gtiff or cog (Cloud Optimized GeoTIFF)
for all that the documentation lists. GeoTIFFs need rasterio (pip install -r
requirements-extras.txt). Nothing elsewhere is read but the URLs that you name,
by ranges; and for a VRT only files in its folder and below. Maps of URLs are
GeoTIFFs. -o and --polygons may name a bucket, s3://BUCKET/KEY.

A model knows the names of its bands and finds them in the file, whatever their
order; --bands chooses others, by number. The values are used as they are: a
model of 8-bit images takes images of other pixel types only with --stretch.

--stac searches a STAC catalogue for images and draws a map of --bbox for each
tile, of its least cloudy image; an INPUT may also be a STAC item, a .json file
or URL. Bands are found by their names (pip install -r requirements-extras.txt).

Images larger than the window are labelled in overlapping windows that are
blended. GeoTIFFs are read, labelled and written in strips of rows, so that
memory does not grow with their height.

--workers and --scheduler spread the work over processes and machines (pip
install -r requirements-extras.txt): GeoTIFFs by blocks, other images one by
one. The files are the same whoever made them.

Existing maps are kept: after an interruption, the same command goes on; with
workers, from the blocks that are finished.
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
  landcover predict scene.tif -m models/model.safetensors -o maps --stac-item \\
      --polygons scene.gpkg --min-area 5000 --simplify 20
  landcover predict -m models/model.safetensors -o maps --stac URL \\
      --collection sentinel-2-l2a --bbox 11.4,48,11.7,48.3 --datetime 2024-06
  landcover predict big.tif -m models/model.safetensors -o maps \\
      --device cuda --window 1024 --batch-size 8
  landcover predict big.tif -m models/model.safetensors -o maps \\
      --format cog --workers 4

Exit codes:
  0  every image has its map
  1  some do not: broken images (the others have theirs) or wrong input;
     stderr says what, a line for each
  2  wrong command line
"""


def polygon_file(value: str) -> str:
    """Type of the name or URL of a file of polygons."""
    if Path(value).suffix.lower() not in POLYGON_FORMATS:
        raise click.BadParameter(f"{value}: give a file name that ends in {' or '.join(POLYGON_FORMATS)}.")
    return value


def positive_number(value: str) -> float:
    """Type of a number above 0."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise click.BadParameter(f"{value}: give a number above 0.")
    return number


def time_or_range(value: str) -> tuple[str, tuple[datetime | None, datetime | None]]:
    """Type of a time in ISO 8601, a day, month or year, or a range of two: the text, and its first and last moment."""
    from landcover.geo.times import period

    try:
        return value, period(value)
    except ValueError:
        raise click.BadParameter(
            f"{value}: give a time such as 2024-06-01T10:30:00Z, a day, or a range such as 2024-06-01/2024-08-31."
        ) from None


@click.command(cls=Command, epilog=_EPILOG)
@click.argument(
    "inputs",
    nargs=-1,
    type=click.Path(readable=False),
    metavar="[INPUT]...",
    help="An image, a folder, a pattern, a URL, a STAC item or a list of these.",
)
@models_option
@click.option(
    "-o",
    "--output",
    type=click.Path(readable=False),
    required=True,
    metavar="FOLDER",
    help="Folder for the maps, or its URL; or, for a single image, the map itself: a .tif or .png file.",
)
@inference_options
@device_option
@scale_options
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
@search_options
@click.option(
    "--stac-item",
    is_flag=True,
    help="Also describe each GeoTIFF as an item of a SpatioTemporal Asset Catalog, NAME_mask.json.",
)
@click.option(
    "--datetime",
    "time",
    type=time_or_range,
    metavar="TIME",
    help="With --stac: when images were taken, a day, month or year, or a range such as 2024-06-01/2024-08-31. With "
    "--stac-item alone: when images were taken that do not tell, such as 2024-06-01T10:30:00Z.",
)
@click.option("--overwrite", is_flag=True, help="Draw existing maps again.")
@quiet_option("Print errors only: no progress, no summary.")
def predict(
    inputs: Sequence[str],
    models: Sequence[Path],
    output: str,
    options: InferenceOptions,
    device: str,
    scale: ScaleOptions,
    format: str,
    bands: Sequence[int | str] | None,
    stretch: Literal["image"] | tuple[float, float] | None,
    allow_vrt_paths: bool,
    polygons: str | None,
    min_area: float | None,
    simplify: float | None,
    confidence: bool,
    probabilities: bool,
    search_for: SearchOptions,
    stac_item: bool,
    time: tuple[str, tuple[datetime | None, datetime | None]] | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Draw the map NAME_mask of each image."""
    if scale.workers:
        start_fork_server()  # first of all: it imports while this process does
    from landcover.cli.inputs import read_lists
    from landcover.cli.map_drawing import draw_maps, draw_polygons, require_rasters, workers_of
    from landcover.cli.map_jobs import check_jobs, plan_jobs
    from landcover.cli.remote_outputs import outputs_here
    from landcover.cli.stac_jobs import find_item_scenes, item_time, merged_inputs, prepared
    from landcover.geo.polygon_files import source_of
    from landcover.geo.stac_files import add_polygons, check_item
    from landcover.inference.prediction import for_inference
    from landcover.models.combining import load_models
    from landcover.system.devices import choose_device
    from landcover.system.scratch import make_folder

    inputs = read_lists(inputs)
    found = find_item_scenes(inputs, search_for, time and time[1], models[0], bands, quiet=quiet)
    images = merged_inputs(inputs, found)
    _check_polygon_options(polygons, {"min-area": min_area, "simplify": simplify}, len(images))
    moment = item_time(time and time[0], stac_item, search_for)
    with outputs_here(output, polygons) as here:
        target, shapes = here.path(output), here.path(polygons) if polygons else None
        named = f"{target}{os.sep * output.endswith(('/', os.sep))}"
        jobs = plan_jobs(images, named, format, probabilities, stac_item, confidence)
        jobs = [replace(job, source=found.get(name)) for name, job in zip(images, jobs, strict=True)]
        require_rasters(jobs, {"bands": bands, "stretch": stretch, "polygons": polygons, "stac-item": stac_item})
        if stac_item and shapes and (here.place(shapes) is None) != (here.place(target) is None):
            raise LandcoverError("--stac-item: an item refers to polygons near it. Write both to one place.")
        here.find_existing(jobs, shapes)
        new = check_jobs(jobs, str(target), models, shapes, overwrite=overwrite)
        here.check(jobs, new, shapes)
        for job in new:
            if job.item:
                check_item(job.item)
        if shapes:
            source_of(shapes)  # an error, before hours of work, if the existing file must not be replaced
        loaded = load_models(models)
        if not scale.is_distributed:
            loaded = for_inference(loaded, choose_device(device))
        loaded.warn_if_collapsed()
        make_folder(jobs[0].mask.parent)
        broken = []
        with (
            workers_of(scale if new or shapes else ScaleOptions(), device, here.blocks(target), quiet=quiet) as workers,
            prepared(jobs, new, quiet=quiet) as ready,
        ):
            drawing = DrawingOptions(
                options, bands, stretch, allow_vrt_paths, probabilities, quiet, moment, confidence, workers
            )
            for some in [ready] if here.place(target) is None else [[job] for job in ready]:
                broken += draw_maps(loaded, some, drawing)
                if not shapes:
                    here.upload(some)
            if shapes and not broken:
                count = draw_polygons(shapes, jobs[0].mask, min_area, simplify, workers, overwrite=overwrite)
                if polygons and count is not None and not quiet:
                    say(f"{location(polygons)}: {count} polygons")
                if jobs[0].item:
                    add_polygons(jobs[0].item, shapes)
                here.upload(jobs, shapes)
    if not quiet:
        kept = len(jobs) - len(new)
        more = f"; {kept} kept (--overwrite draws them again)" if kept else ""
        more += f"; {workers.counts}" if workers and workers.counts.blocks else ""
        say(f"{location(output)}: {len(new) - len(broken)} masks{more}")
    if broken:
        raise LandcoverError(*broken)


def _check_polygon_options(polygons: str | None, further: Mapping[str, float | None], images: int) -> None:
    """Check that options for polygons apply.

    Args:
        polygons: The file, if there is one.
        further: Options that need it, by name.
        images: Number of images that are mapped.
    """
    if polygons and images > 1:
        raise LandcoverError(f"--polygons {polygons}: for a single image, not {images}. Name one image.")
    for name, value in further.items():
        if value and not polygons:
            raise LandcoverError(f"--{name} {value:g}: is for polygons. Add --polygons FILE, or remove it.")
