"""The bands of rasters as the key `bands` names them."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from rasterio.io import DatasetReader

from landcover.checking.findings import Findings
from landcover.images.common_names import common_name
from landcover.rasters.bands import find_rgb, find_wanted, names_of
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location


class Raster(NamedTuple):
    """What the header of an image or scene tells.

    Attributes:
        path: For messages.
        size: (height, width) in pixels.
        dtype: Pixel type of its first band.
        names: Of its bands; None for those without.
        bands: What the key `bands` should be: None if red, green and blue of 8 bits are found in it.
    """

    path: Location
    size: tuple[int, int]
    dtype: str
    names: tuple[str | None, ...]
    bands: tuple[int | str, ...] | None


def raster_of(path: Location, dataset: DatasetReader) -> Raster:
    """What the header of an open raster tells."""
    names = tuple(names_of(dataset))
    return Raster(path, dataset.shape, dataset.dtypes[0], names, _bands(path, dataset, names))


def describe_bands(rasters: Iterable[Raster], findings: Findings) -> None:
    """Set the key `bands`, and say which bands there are; a problem for each raster that is unlike most others."""
    rasters = list(rasters)
    kinds = Counter((raster.dtype, len(raster.names)) for raster in rasters)
    (dtype, count), _ = kinds.most_common(1)[0]
    alike = [raster for raster in rasters if (raster.dtype, len(raster.names)) == (dtype, count)]
    bands = Counter(raster.bands for raster in alike).most_common(1)[0][0]
    for raster in rasters:
        if raster not in alike and not (bands is None and raster.bands is None):
            findings.problems.append(
                f"{raster.path}: {len(raster.names)} bands of {raster.dtype}, most others have {count} of {dtype}. "
                "Convert or remove it."
            )
    names = next(raster.names for raster in alike if raster.bands == bands)
    shown = [f"{number} {name}" if name else str(number) for number, name in enumerate(names, 1)]
    findings.facts["bands"] = f"{', '.join(shown)}; {dtype}" + (" (read as red, green, blue)" if bands is None else "")
    findings.values["bands"] = None if bands is None else list(bands)


def sizes(rasters: Iterable[Raster]) -> str:
    """The sizes of rasters in words."""
    found = sorted({raster.size for raster in rasters}, key=lambda size: size[0] * size[1])
    shown = [f"{width}x{height}" for height, width in (found[0], found[-1])]
    return f"{shown[0]} pixels" if len(found) == 1 else f"{shown[0]} to {shown[1]} pixels"


def _bands(path: Location, dataset: DatasetReader, names: tuple[str | None, ...]) -> tuple[int | str, ...] | None:
    if set(dataset.dtypes) == {"uint8"}:
        try:
            find_rgb(path, dataset)
        except LandcoverError:
            pass
        else:
            if dataset.count <= 4:  # more are there to be used
                return None
    wanted = tuple((common_name(name) or name) if name else number for number, name in enumerate(names, 1))
    try:
        find_wanted(path, dataset, wanted)
    except LandcoverError:
        return tuple(range(1, dataset.count + 1))
    return wanted
