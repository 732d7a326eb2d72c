"""The command `landcover predict`: maps of any images, outside the pipeline."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.cli.arguments import add_inference, declare, inference_options
from landcover.geo.polygon_files import DRIVERS, digest, source_of
from landcover.system.errors import LandcoverError, requiring_extra, say

if TYPE_CHECKING:  # here and below: --help must answer at once
    from landcover.cli.map_jobs import Job
    from landcover.models.model_file import Model

FORMATS = ("auto", "png", "gtiff", "cog")

_EPILOG = """\
INPUT is an image, a folder or a pattern such as "images/**/*.jpg" (in quotes, it reaches beyond the length of a
command line). Of a folder in which files are called NAME_sat.EXT only these are images; of any other, all jpg, png
and tif but NAME_mask and NAME_probabilities. The map of NAME.EXT or NAME_sat.EXT is called NAME_mask and has the
image's own size.

Of a tif, tiff, jp2 or vrt it is a GeoTIFF (NAME_mask.tif): labels with the classes' colours and names, overviews, the
image's reference system and transform, nodata where the image has none. Of any other image it is a colour mask
(NAME_mask.png). --format chooses: png for any image of 8 bits; gtiff, or cog for a Cloud Optimized GeoTIFF, for all
that the README lists. GeoTIFFs need rasterio (pip install -r requirements-extras.txt). Files are read from this machine
only, and by a VRT only in its folder and below.

Images larger than the window are labelled in overlapping windows that are blended. GeoTIFFs are read, labelled and
written in bands of rows, so that memory does not grow with their height.

Maps that are there already are kept: after an interruption, the same command goes on. --overwrite draws them anew, but
replaces no file in a folder that an image lies in: NAME_mask beside NAME_sat may be the truth.

examples:
  landcover predict town.jpg coast.png -m models/model.safetensors -o maps
  landcover predict images/ -m models/model.safetensors -o maps --tta d4
  landcover predict "images/**/*.jpg" -m models/model.safetensors -o maps --overwrite --quiet
  landcover predict town.jpg -m models/model.safetensors -o town_map.png
  landcover predict scene.tif -m models/model.safetensors -o maps --bands 4,3,2 --stretch 2,98 --polygons scene.gpkg
  landcover predict big.tif -m models/model.safetensors -o maps --device cuda --window 1024 --batch-size 8

exit codes:
  0  every image has its map
  1  some have not: broken images (the others have theirs), wrong input; stderr says what, one line for each
  2  wrong arguments
"""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Declare it."""
    command = declare(commands, "predict", "draw the map NAME_mask of each image", _EPILOG)
    command.add_argument("input", nargs="+", metavar="INPUT", help="an image, a folder or a pattern")
    command.add_argument(
        "-o", "--output", required=True, metavar="FOLDER", help="for the maps; or, of one image, a file: .tif or .png"
    )
    add_inference(command)
    command.add_argument("--format", default="auto", choices=FORMATS, help="of the maps (auto: by the image's)")
    command.add_argument(
        "--bands",
        type=_bands,
        metavar="R,G,B",
        help="numbers of a GeoTIFF's red, green and blue band, from 1 (by default those that it names so)",
    )
    command.add_argument(
        "--stretch",
        type=_stretch,
        metavar="LOW,HIGH",
        help="percentiles of a GeoTIFF's bands that become 0 and 255 (2,98 if it has not 8 bits)",
    )
    command.add_argument(
        "--allow-vrt-paths",
        action="store_true",
        help="let a VRT read files outside its folder, anywhere on this machine",
    )
    command.add_argument(
        "--polygons",
        type=_polygons,
        metavar="FILE",
        help="also write a GeoTIFF's map as polygons with class and area: a .gpkg or .geojson",
    )
    command.add_argument(
        "--probabilities",
        action="store_true",
        help="also write those of the classes, float32: NAME_probabilities.tif, or .npy (C, H, W) beside a PNG",
    )
    command.add_argument("--overwrite", action="store_true", help="draw maps anew that are there already")
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary; errors only")
    command.set_defaults(run=predict)


def predict(arguments: argparse.Namespace) -> None:
    """Draw the maps that are not there yet; end in an error that lists the images that have none."""
    # Imported here, so that --help answers at once.
    from landcover.cli.inputs import find_inputs
    from landcover.cli.map_jobs import check_jobs, plan_jobs
    from landcover.inference.prediction import for_inference
    from landcover.models.model_file import load_model
    from landcover.system.devices import choose_device
    from landcover.system.scratch import make_folder

    jobs = plan_jobs(find_inputs(arguments.input), arguments.output, arguments.format, arguments.probabilities)
    _check(arguments, jobs)
    new = check_jobs(jobs, arguments.output, arguments.model, arguments.polygons, overwrite=arguments.overwrite)
    if arguments.polygons:
        source_of(arguments.polygons)  # an error, before hours of work, if what is there is not to be replaced
    model = for_inference(load_model(arguments.model), choose_device(arguments.device))
    model.warn_if_collapsed()
    make_folder(jobs[0].mask.parent)
    broken = _draw_masks(model, [job for job in new if not job.is_raster], arguments)
    broken += _draw_maps(model, [job for job in new if job.is_raster], arguments)
    if arguments.polygons and not broken:
        _draw_polygons(jobs[0], arguments)
    if not arguments.quiet:
        kept = len(jobs) - len(new)
        more = f"; {kept} kept that were there (--overwrite draws them anew)" if kept else ""
        say(f"{Path(arguments.output)}: {len(new) - len(broken)} masks{more}")
    if broken:
        raise LandcoverError(*broken)


def _check(arguments: argparse.Namespace, jobs: Sequence["Job"]) -> None:
    """Raise a LandcoverError where the arguments do not go together, or not with the images."""
    plain = [job.image for job in jobs if not job.is_raster]
    for name in ("bands", "stretch", "polygons"):
        if getattr(arguments, name) and plain:
            raise LandcoverError(f"{plain[0]}: --{name} is for GeoTIFFs only. Leave it away or add --format gtiff.")
    if arguments.polygons and len(jobs) > 1:
        raise LandcoverError(f"--polygons {arguments.polygons}: for one image, not {len(jobs)}. Name one.")
    if len(plain) < len(jobs):
        with requiring_extra("GeoTIFFs", "geo"):
            import landcover.geo.maps
            import landcover.geo.polygons  # noqa: F401
            from landcover.geo.raster_access import skip_services
        skip_services()


def _draw_masks(model: "Model", jobs: Sequence["Job"], arguments: argparse.Namespace) -> list[str]:
    """Draw colour masks; return a line for each image that cannot be read."""
    if not jobs:
        return []
    from landcover.inference.prediction import predict_masks

    options = {"quiet": arguments.quiet, "probabilities": arguments.probabilities, **inference_options(arguments)}
    first = jobs[0].mask  # of all the folder, and what follows the name
    options["ending"] = first.name.removeprefix(jobs[0].name)
    return predict_masks(model, {job.name: job.image for job in jobs}, first.parent, keep_going=True, **options)


def _draw_maps(model: "Model", jobs: Sequence["Job"], arguments: argparse.Namespace) -> list[str]:
    """Draw GeoTIFFs; return a line for each image that cannot be read."""
    if not jobs:
        return []
    from landcover.geo.maps import predict_map
    from landcover.system.parallel import error_as_result

    options = {"cog": arguments.format == "cog", "bands": arguments.bands, "stretch": arguments.stretch}
    options |= {"allow_vrt_paths": arguments.allow_vrt_paths, "noted": set()}
    options |= {"quiet": arguments.quiet, **inference_options(arguments)}

    @error_as_result
    def draw(job: "Job") -> None:
        predict_map(model, job.image, job.mask, probabilities=job.probabilities, **options)

    return [line for error in map(draw, jobs) if error for line in error.lines]


def _draw_polygons(job: "Job", arguments: argparse.Namespace) -> None:
    """Draw the polygons of a map, unless they are there and of this very map."""
    from landcover.geo.polygons import write_polygons

    if not arguments.overwrite and source_of(arguments.polygons) == digest(job.mask):
        return
    count = write_polygons(arguments.polygons, job.mask)
    if not arguments.quiet:
        say(f"{arguments.polygons}: {count} polygons")


def _bands(text: str) -> list[int]:
    bands = [int(part) for part in text.split(",")]
    if len(bands) not in (1, 3) or min(bands) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give three numbers from 1, such as 3,2,1, or one")
    return bands


def _stretch(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split(","))
    if not 0 <= low < high <= 100:
        raise argparse.ArgumentTypeError(f"{text}: give two rising percentiles from 0 to 100, such as 2,98")
    return low, high


def _polygons(text: str) -> Path:
    if Path(text).suffix.lower() not in DRIVERS:
        raise argparse.ArgumentTypeError(f"{text}: give a file called {' or '.join(DRIVERS)}")
    return Path(text)
