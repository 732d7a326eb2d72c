"""What `landcover predict` makes of each image, and under which names; none of them replaces what it reads."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.images.pairs import IMAGE_SUFFIXES
from landcover.system.errors import LandcoverError
from landcover.system.outputs import check_outputs, inode
from landcover.system.paths import check_utf8_name

RASTER_SUFFIXES = (".tif", ".tiff", ".jp2", ".vrt")
"""Of images that are read with rasterio and become GeoTIFFs unless another format is asked for."""

_FORMATS = {".png": ("png",), ".tif": ("gtiff", "cog"), ".tiff": ("gtiff", "cog")}  # of maps, by suffix
_NO_FOLDERS = {
    *(*IMAGE_SUFFIXES, *RASTER_SUFFIXES),
    *(".bmp", ".gif", ".webp", ".img", ".npy", ".nc", ".gpkg", ".geojson", ".shp", ".json", ".csv", ".pdf", ".zip"),
}
"""Who asks for an output called so wants a file."""


@dataclass(frozen=True)
class Job:
    """An image and what is made of it; `is_raster` if it is read with rasterio and its map is a GeoTIFF."""

    name: str
    image: Path
    is_raster: bool
    mask: Path
    probabilities: Path | None

    def outputs(self) -> list[Path]:
        """The files that are made."""
        return [self.mask, *([self.probabilities] if self.probabilities else [])]

    def is_done(self) -> bool:
        """Whether they are there."""
        return all(path.exists() for path in self.outputs())


def plan_jobs(images: Mapping[str, Path], output: str, form: str, probabilities: bool) -> list[Job]:
    """The jobs for images by name.

    Args:
        output: A folder, or the file of the one map, which the suffix of a map and no folder of that name tell.
        form: One of predict_command.FORMATS.
        probabilities: Whether those of the classes are written too.

    Raises:
        LandcoverError: `output` is a file but there are several images, or its suffix is not of such maps.
    """
    path = Path(output)
    suffix = path.suffix.lower()
    if suffix not in _NO_FOLDERS or path.is_dir() or output.endswith(os.sep):
        return [_job(path, name, image, form, probabilities) for name, image in images.items()]
    if suffix not in _FORMATS:
        raise LandcoverError(f"{path}: not the name of a map. Let it end in {', '.join(_FORMATS)}, or a folder.")
    if len(images) > 1:
        raise LandcoverError(f"{path}: one file for {len(images)} maps. Name a folder.")
    if form not in ("auto", *_FORMATS[suffix]):
        raise LandcoverError(f"{path}: not a name for --format {form}. Change one of them.")
    (image,) = images.values()
    is_raster = suffix != ".png"
    beside = path.with_name(f"{path.stem}_probabilities{suffix if is_raster else '.npy'}")
    return [Job(path.stem, image, is_raster, path, beside if probabilities else None)]


def check_jobs(
    jobs: Sequence[Job], output: str, model: Path, polygons: Path | None = None, *, overwrite: bool = False
) -> list[Job]:
    """The jobs that are still to be done, all if `overwrite`, if nothing that a user gave is lost by them.

    What is there already may be the truth in the folder of the images, `NAME_mask` beside `NAME_sat`, for maps are
    called the same: no file in a folder that an image lies in is replaced.

    Args:
        output: As for `plan_jobs`. A file that is named there is no input, even if it would be kept.
        model: Of which they are made.
        polygons: The file of those of the one map.

    Raises:
        LandcoverError: An output would replace an input, or any file beside one; or it cannot be a file.
    """
    if any(job.is_raster for job in jobs):
        check_utf8_name(jobs[0].mask.parent, "rasters")
    if polygons:
        check_utf8_name(polygons, "files of polygons")
    images = [job.image for job in jobs]
    new = [job for job in jobs if overwrite or not job.is_done()]
    check_outputs([model], files=[path for job in jobs for path in job.outputs()])
    named = jobs if jobs[0].mask == Path(output) else new
    check_outputs(images, files=[path for job in named for path in job.outputs()])
    if polygons:
        check_outputs([model, *images], files=[polygons])
    replaced = [path for job in new for path in job.outputs() if path.exists()]
    folders = _folders_of(images) if replaced else set()
    for path in replaced:
        if folders.intersection(inode(path.parent)):
            raise LandcoverError(
                f"{path}: is there already, in the folder of the images, and may be the truth. "
                "Name another folder, or remove it."
            )
    return new


def _job(folder: Path, name: str, image: Path, form: str, probabilities: bool) -> Job:
    by_suffix = "gtiff" if image.suffix.lower() in RASTER_SUFFIXES else "png"
    is_raster = (by_suffix if form == "auto" else form) != "png"
    mask = folder / f"{name}_mask.{'tif' if is_raster else 'png'}"
    beside = folder / f"{name}_probabilities.{'tif' if is_raster else 'npy'}"
    return Job(name, image, is_raster, mask, beside if probabilities else None)


def _folders_of(paths: Iterable[Path]) -> set[tuple[int, int]]:
    """Inodes of the folders in which files lie, and of those to which links among them lead."""
    folders = {folder for path in paths for folder in (path.parent, Path(os.path.realpath(path)).parent)}
    return {one for folder in folders for one in inode(folder)}
