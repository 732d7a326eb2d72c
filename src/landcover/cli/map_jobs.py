"""Which maps `landcover predict` draws, and under which names; none of them replaces an input."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from landcover.cli.map_formats import AUTO, MAP_FORMATS, Job, MapFormat
from landcover.geo.polygon_files import POLYGON_FORMATS
from landcover.images.layouts import PROBABILITIES
from landcover.images.pairs import IMAGE_SUFFIXES, RASTER_SUFFIXES, confidence_path
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location, Remote, paths
from landcover.system.outputs import check_outputs, inode
from landcover.system.paths import check_utf8_name

_MAP_SUFFIXES = {suffix: None for form in MAP_FORMATS.values() for suffix in form.suffixes}  # a set in order
_FILE_SUFFIXES = {
    *(*IMAGE_SUFFIXES, *RASTER_SUFFIXES, *_MAP_SUFFIXES, *POLYGON_FORMATS),
    *(".bmp", ".gif", ".webp", ".img", ".npy", ".nc", ".shp", ".json", ".csv", ".pdf", ".zip"),
}
"""An output with such a suffix is meant to be a file, not a folder."""


def plan_jobs(
    images: Mapping[str, Location],
    output: str,
    form: str,
    probabilities: bool,
    stac: bool = False,
    confidence: bool = False,
) -> list[Job]:
    """Plan the maps of images.

    Args:
        images: The image files by name.
        output: A folder; or the file of a single map: it has the suffix of a file, and there is no such folder.
        form: `AUTO` or one of `MAP_FORMATS`.
        probabilities: Whether class probabilities are written as well.
        stac: Whether STAC items are.
        confidence: Whether files that say how sure the network is are.

    Raises:
        LandcoverError: `output` is a file but there are several images, or its suffix is not that of such maps.
    """
    path = Path(output)
    suffix = path.suffix.lower()
    if suffix not in _FILE_SUFFIXES or path.is_dir() or output.endswith(os.sep):
        kinds = probabilities, stac, confidence
        return [_job_in_folder(path, name, image, form, *kinds) for name, image in images.items()]
    if suffix not in _MAP_SUFFIXES:
        raise LandcoverError(f"{path}: not the name of a map. Choose one that ends in {', '.join(_MAP_SUFFIXES)}.")
    if len(images) > 1:
        raise LandcoverError(f"{path}: one file for {len(images)} maps. Name a folder.")
    fitting = [name for name, candidate in MAP_FORMATS.items() if suffix in candidate.suffixes]
    if form not in (AUTO, *fitting):
        raise LandcoverError(f"{path}: not a name for --format {form}. Change one of them.")
    (image,) = images.values()
    chosen = MAP_FORMATS[fitting[0] if form == AUTO else form]
    _check_format(image, chosen)
    beside = path.with_name(f"{path.stem}{PROBABILITIES}{chosen.probability_suffix or suffix}")
    item = path.with_suffix(".json") if stac else None
    sure = confidence_path(path) if confidence else None
    return [Job(path.stem, image, chosen, path, beside if probabilities else None, item, sure)]


def check_jobs(
    jobs: Sequence[Job], output: str, models: Sequence[Path], polygons: Path | None = None, *, overwrite: bool = False
) -> list[Job]:
    """Return the jobs whose maps do not exist yet (all, if `overwrite`), after a check that no input is lost.

    An existing file may be the truth, `NAME_mask` beside `NAME_sat`, as maps have such names too: no file in a folder
    that holds one of the images is replaced.

    Args:
        jobs: From `plan_jobs`.
        output: As for `plan_jobs`. A file that it names must not be an input, even if it would be kept.
        models: The model files.
        polygons: The file of the polygons of the single map.
        overwrite: Draw existing maps again.

    Raises:
        LandcoverError: An output would replace an input or a file beside an image; or it cannot be a file.
    """
    if any(job.format.is_georeferenced for job in jobs):
        check_utf8_name(jobs[0].mask.parent, "rasters")
    if polygons:
        check_utf8_name(polygons, "files of polygons")
    images = paths(file for job in jobs for file in job.files())
    new = [job for job in jobs if overwrite or not job.is_done()]
    check_outputs(models, files=[path for job in jobs for path in job.outputs()])
    named = jobs if jobs[0].mask == Path(output) else new
    check_outputs(images, files=[path for job in named for path in job.outputs()])
    if polygons:
        check_outputs([*models, *images], files=[polygons])
    replaced = [path for job in new for path in job.outputs() if path.exists()]
    folders = _folders_of(images) if replaced else set()
    for path in replaced:
        if folders.intersection(inode(path.parent)):
            raise LandcoverError(
                f"{path}: exists already, in the folder of the images, and may be the truth. "
                "Name another folder, or remove it."
            )
    return new


def _job_in_folder(
    folder: Path, name: str, image: Location, form: str, probabilities: bool, stac: bool, confidence: bool
) -> Job:
    chosen = MAP_FORMATS[_format_for(image) if form == AUTO else form]
    _check_format(image, chosen)
    suffix = chosen.suffixes[0]
    mask = folder / f"{name}_mask{suffix}"
    beside = folder / f"{name}{PROBABILITIES}{chosen.probability_suffix or suffix}"
    item = folder / f"{name}_mask.json" if stac else None
    sure = confidence_path(mask) if confidence else None
    return Job(name, image, chosen, mask, beside if probabilities else None, item, sure)


def _format_for(image: Location) -> str:
    return "gtiff" if isinstance(image, Remote) or image.suffix.lower() in RASTER_SUFFIXES else "png"


def _check_format(image: Location, form: MapFormat) -> None:
    if isinstance(image, Remote) and not form.is_georeferenced:
        raise LandcoverError(f"{image}: maps of files elsewhere are GeoTIFFs. Choose --format gtiff or cog.")


def _folders_of(paths: Iterable[Path]) -> set[tuple[int, int]]:
    """Return the inodes of the folders that hold files, and of the folders that links among them lead to."""
    folders = {folder for path in paths for folder in (path.parent, Path(os.path.realpath(path)).parent)}
    return {one for folder in folders for one in inode(folder)}
