"""Which bands of a raster are taken for red, green and blue: those asked for, or those it names. Needs rasterio."""

import re
from collections.abc import Sequence
from pathlib import Path

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from landcover.images.band_names import UnclearBands, choose_bands
from landcover.system.errors import LandcoverError

_COLOURS = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
_NO_COLOURS = {ColorInterp.gray, ColorInterp.undefined, ColorInterp.alpha}
_NAME_TAGS = ("BANDNAME", "BAND_NAME", "COMMON_NAME", "STANDARD_NAME", "LONG_NAME")
_LISTED = 30  # bands that an error names
_PRODUCT = re.compile(r"L[COTEM]0\d_|S2[A-D]_MSI|HLS\.")  # how files of a sensor are called by who made them


def find_bands(path: Path, dataset: DatasetReader) -> tuple[list[int], bool]:
    """Numbers, from 1, of the red, green and blue band, and whether names told them; a grey band counts thrice.

    Names (see `band_names`) count first, then colour interpretations. GDAL makes these up for 8-bit files, so that of
    more than four bands they count only if they differ from what it makes up. Three or four bands of 8 bits that say
    nothing are red, green and blue.

    Raises:
        LandcoverError: It is not clear which; the line lists the bands.
    """
    kinds = dataset.colorinterp
    if dataset.count == 1:
        return [1, 1, 1], False
    if dataset.count == 2:
        if ColorInterp.alpha in kinds:
            return [2 - kinds.index(ColorInterp.alpha)] * 3, False
        raise _unclear(path, dataset, "there are two and none is alpha")
    try:
        if found := choose_bands(band_names(dataset), _tags(path, dataset), _wavelengths(dataset)):
            return list(found), True
    except UnclearBands as error:
        raise _unclear(path, dataset, str(error)) from None
    if found := _by_interpretation(kinds, set(dataset.dtypes) == {"uint8"}):
        return found, False
    raise _unclear(path, dataset, "they have no names that tell")


def check_bands(path: Path, dataset: DatasetReader, asked: Sequence[int]) -> list[int]:
    """Numbers, from 1, of the bands asked for: three, or one that counts thrice.

    Raises:
        LandcoverError: The raster has no such band, or there are neither three nor one.
    """
    if wrong := [band for band in asked if not 1 <= band <= dataset.count]:
        raise LandcoverError(f"{path}: no band {wrong[0]}; it has 1 to {dataset.count}. Choose other bands.")
    if len(asked) not in (1, 3):
        raise LandcoverError(f"{path}: {len(asked)} bands are asked for. Choose three bands, such as 3,2,1, or one.")
    return list(asked) * (3 // len(asked))


def band_names(dataset: DatasetReader) -> list[str | None]:
    """Descriptions of the bands, or what else names them; None where nothing readable does."""
    try:
        return [
            name or next((tags[tag] for tag in _NAME_TAGS if tags.get(tag)), None)
            for band, name in enumerate(dataset.descriptions, 1)
            for tags in [{key.upper(): value for key, value in dataset.tags(band).items()}]
        ]
    except UnicodeDecodeError:
        return [None] * dataset.count


def _tags(path: Path, dataset: DatasetReader) -> dict[str, str]:
    """What the file says of itself, its name included if that is one that says something."""
    try:
        tags = dataset.tags() | dataset.tags(ns="IMAGERY")
    except UnicodeDecodeError:
        tags = {}
    return tags | ({"PRODUCT": path.stem} if _PRODUCT.match(path.stem) else {})


def _wavelengths(dataset: DatasetReader) -> list[float | None]:
    """Centres of the bands in nanometres, where GDAL has them (in micrometres)."""
    found = []
    for band in dataset.indexes:
        try:
            found.append(1000 * float(dataset.tags(band, ns="IMAGERY")["CENTRAL_WAVELENGTH_UM"]))
        except (KeyError, ValueError):
            found.append(None)
    return found


def _by_interpretation(kinds: Sequence[ColorInterp], is_8_bit: bool) -> list[int] | None:
    if set(_COLOURS) <= set(kinds):
        found = [kinds.index(colour) + 1 for colour in _COLOURS]
        is_made_up = is_8_bit and len(kinds) > 4 and found == [1, 2, 3] and set(kinds[3:]) <= _NO_COLOURS
        return None if is_made_up else found
    is_plain = len(kinds) <= 4 and is_8_bit and set(kinds) <= _NO_COLOURS and ColorInterp.alpha not in kinds[:3]
    return [1, 2, 3] if is_plain else None


def _unclear(path: Path, dataset: DatasetReader, reason: str) -> LandcoverError:
    return LandcoverError(
        f"{path}: which of its {dataset.count} bands are red, green and blue is not clear ({reason}). "
        f"{_listed(dataset)}. Name them with --bands, such as --bands 3,2,1, or one as grey."
    )


def _listed(dataset: DatasetReader) -> str:
    """The bands by number, name, type and colour interpretation."""
    bands = zip(dataset.indexes, band_names(dataset), dataset.dtypes, dataset.colorinterp, strict=True)
    lines = [f"{n} {repr(name[:40]) + ' ' if name else ''}{dtype} {kind.name}" for n, name, dtype, kind in bands]
    more = f", and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return f"Bands: {', '.join(lines[:_LISTED])}{more}"
