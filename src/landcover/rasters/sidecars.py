"""Files beside a raster that GDAL reads with it: overviews, a mask, georeferencing. Needs rasterio."""

import errno
import os
from functools import lru_cache
from pathlib import Path

from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from landcover.system.paths import check_readable

_MASK, _OVERVIEWS = ".msk", ".ovr"
_OF_ANY_RASTER = frozenset({"metadata.dim"})


def check_sidecars(path: Path) -> None:
    """Check that the sidecars of a raster are safe to read.

    Raises:
        OSError: A pipe or a device has the name of a sidecar, and GDAL would wait for ever; or the mask is not a
            TIFF, so that it might refer to other files.
    """
    folder = path.parent
    for name in _special_files(folder, folder.stat().st_mtime_ns):
        if name.lower().startswith(path.stem.lower()) or name.lower() in _OF_ANY_RASTER:
            raise OSError(errno.EINVAL, f"{name} beside it is a pipe or a device", str(path))
    mask = Path(f"{path}{_MASK}")
    if os.path.lexists(mask) and not _is_plain_tiff(mask):
        raise OSError(errno.EINVAL, f"the mask beside it, {mask.name}, is not a plain TIFF", str(path))


def has_own_overviews(dataset: DatasetReader) -> bool:
    """Whether the overviews of a raster, if it has any, are in its file or in a TIFF beside it."""
    overviews = Path(f"{dataset.name}{_OVERVIEWS}")
    return not _names_overviews(dataset) and (not os.path.lexists(overviews) or _is_plain_tiff(overviews))


def _names_overviews(dataset: DatasetReader) -> bool:
    """Whether its tags or an .aux.xml refer to another file, possibly a URL, for its overviews."""
    try:
        return "OVERVIEW_FILE" in dataset.tags(ns="OVERVIEWS")
    except UnicodeDecodeError:
        return True


def _is_plain_tiff(path: Path) -> bool:
    """Whether a sidecar is a TIFF without sidecars of its own."""
    try:
        check_readable(path)
        with DatasetReader(str(path), driver="GTiff") as dataset:
            further = (Path(f"{path}{suffix}") for suffix in (_MASK, _OVERVIEWS))
            return not _names_overviews(dataset) and not any(map(os.path.lexists, further))
    except (RasterioError, OSError):
        return False


@lru_cache(maxsize=16)
def _special_files(folder: Path, _changed: int) -> list[str]:
    """Names of pipes, devices and the like in a folder; `_changed`, its time of change, renews the cache."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if not (entry.is_file() or entry.is_dir()) and _is_there(entry)]


def _is_there(entry: os.DirEntry[str]) -> bool:
    """Whether it is there; a link may lead to nothing."""
    return Path(entry.path).exists()
