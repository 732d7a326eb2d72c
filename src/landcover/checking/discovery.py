"""Which files of a folder are scenes, labels, areas of interest and lists of classes."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from landcover.classes.class_lists import ClassList, read_class_list
from landcover.labels.options import VECTOR_SUFFIXES
from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.band_files import band_file, tells_no_band, words_of
from landcover.rasters.sampling import sample_pixels
from landcover.rasters.scene_files import find_files
from landcover.system.errors import LandcoverError

_MOST_CLASSES = 64  # different values of a raster that may be one of labels
_AREAS = ("aoi", "area", "extent", "boundary", "footprint", "interest")
_LABELS = (
    "label",
    "mask",
    "truth",
    "worldcover",
    "corine",
    "clc",
    "landcover",
    "land_cover",
    "lulc",
    "classes",
    "igbp",
)


class Files(NamedTuple):
    """The files of a data set of scenes, all below its root.

    Attributes:
        scenes: Images.
        rasters: Of labels.
        vectors: Polygons or points.
        areas: Polygons that are areas of interest by their name.
        broken: A line for each raster that cannot be read.
    """

    scenes: list[Path]
    rasters: list[Path]
    vectors: list[Path]
    areas: list[Path]
    broken: list[str]


def class_list_in(root: Path) -> tuple[Path, ClassList] | None:
    """The list of classes that lies in a folder, if one JSON in it is such a list."""
    found = []
    for path in sorted(root.glob("*.json")):
        try:
            found.append((path, read_class_list(path)))
        except LandcoverError:
            continue
    usable = [(path, classes) for path, classes in found if classes.entries]
    return usable[0] if len(usable) == 1 else None


def sort_files(root: Path) -> Files:
    """Sort the files of a folder and of those below it by what they are."""
    vectors = vectors_in(root)
    areas = [path for path in vectors if _has(path, _AREAS)]
    if len(areas) == len(vectors):
        areas = []
    scenes: list[Path] = []
    labels: list[Path] = []
    broken: list[str] = []
    try:
        rasters = find_files(root, ".")
    except LandcoverError:
        rasters = []
    for path in rasters:
        try:
            (labels if is_label_raster(path) else scenes).append(path)
        except LandcoverError as error:
            broken += error.lines
    return Files(scenes, labels, [path for path in vectors if path not in areas], areas, broken)


def vectors_in(root: Path) -> list[Path]:
    """Files of polygons or points in a folder and below it."""
    return [path for path in _files(root) if path.suffix.lower() in VECTOR_SUFFIXES and not _is_list(path)]


def is_label_raster(path: Path) -> bool:
    """Whether a raster has few different values, as labels have, and is no band of a scene.

    Raises:
        LandcoverError: It cannot be read.
    """
    if band_file(path) or (tells_no_band(words_of(path)) and not _has(path, _LABELS)):
        return False
    with open_dataset(path) as dataset, raster_errors(path):
        if dataset.count not in (1, 3) or not all(np.dtype(kind).kind in "iu" for kind in dataset.dtypes):
            return False
        if dataset.count == 3 and not _has(path, _LABELS):
            return False
        if dataset.colorinterp[0].name == "palette":
            return True
        sample = sample_pixels(dataset, list(range(1, dataset.count + 1))).reshape(dataset.count, -1)
    values = np.unique(sample.compressed() if dataset.count == 1 else sample.data, axis=-1)
    return bool(values.shape[-1] <= _MOST_CLASSES)


def named_below(root: Path, chosen: Sequence[Path], others: Sequence[Path]) -> str | list[str]:
    """The shortest way to name files below a root: a folder, a file, or a list of folders and files.

    Args:
        root: Of the data set.
        chosen: At least one.
        others: Files that must not be in a named folder.
    """
    names = []
    for path in chosen:
        below = path.relative_to(root)
        folders = [root.joinpath(*below.parts[:depth]) for depth in range(1, len(below.parts))]
        free = [folder for folder in folders if not any(other.is_relative_to(folder) for other in others)]
        names.append(str((free[0] if free else path).relative_to(root)))
    unique = list(dict.fromkeys(names))
    return unique[0] if len(unique) == 1 else unique


def _files(root: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        yield from (Path(top, name) for name in sorted(names) if not name.startswith("."))


def _is_list(path: Path) -> bool:
    """Whether a .json is no GeoJSON: a list of classes, or something else."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            return b'"Feature' not in file.read(1 << 16)
    except OSError:
        return True


def _has(path: Path, parts: Sequence[str]) -> bool:
    return any(part in path.stem.lower() for part in parts)
