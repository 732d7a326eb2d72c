"""Which bands of a raster are wanted: by number, or by their names. Needs rasterio."""

import re
from collections.abc import Sequence

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from landcover.images.band_names import UnclearBands, choose_bands, find_bands
from landcover.images.common_names import COMMON_NAMES
from landcover.images.image_spec import COLOURS
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location

_COLOURS = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
_NO_COLOURS = {ColorInterp.gray, ColorInterp.undefined, ColorInterp.alpha}
_NAME_TAGS = ("BANDNAME", "BAND_NAME", "COMMON_NAME", "STANDARD_NAME", "LONG_NAME")
_ADVICE = "Choose them with --bands, such as --bands 3,2,1, or one band as grey."
_LISTED = 30  # bands that an error names
_PRODUCT = re.compile(r"L[COTEM]0\d_|S2[A-D]_MSI|HLS\.")  # names of files and folders that tell the sensor


def find_rgb(path: Location, dataset: DatasetReader, advice: str = _ADVICE) -> tuple[list[int], bool]:
    """Find the red, green and blue band of a raster.

    Names (see `band_names`) decide first, then colour interpretations. GDAL invents interpretations for 8-bit files:
    those of more than four bands decide only if they differ from what it invents. Of three or four bands of 8 bits
    without names and interpretations, the first three are red, green and blue.

    Args:
        path: For errors to name.
        dataset: The raster.
        advice: How to choose the bands, a sentence for errors.

    Returns:
        Numbers of the three bands, from 1, a grey band three times; and whether they were found by name.

    Raises:
        LandcoverError: It is not clear which bands they are; the message lists all bands.
    """
    interpretations = dataset.colorinterp
    if dataset.count == 1:
        return [1, 1, 1], False
    if dataset.count == 2:
        if ColorInterp.alpha in interpretations:
            return [2 - interpretations.index(ColorInterp.alpha)] * 3, False
        raise _unclear(path, dataset, "there are two and none is alpha", advice)
    try:
        if by_name := choose_bands(band_names(dataset), _tags(path, dataset), _wavelengths(dataset)):
            return list(by_name), True
    except UnclearBands as error:
        raise _unclear(path, dataset, str(error), advice) from None
    if by_interpretation := _by_interpretation(interpretations, is_8_bit=set(dataset.dtypes) == {"uint8"}):
        return by_interpretation, False
    raise _unclear(path, dataset, "they have no names that tell", advice)


def find_wanted(path: Location, dataset: DatasetReader, wanted: Sequence[int | str]) -> list[int]:
    """Find wanted bands of a raster, see `band_names.find_bands`: numbers from 1.

    The names are those of the bands or, if none has one, their colour interpretations.

    Raises:
        LandcoverError: The raster lacks a band, or it is not clear which one it is; the message lists both sides.
    """
    try:
        return find_bands(wanted, names_of(dataset), _tags(path, dataset), _wavelengths(dataset))
    except UnclearBands as error:
        if tuple(wanted) == COLOURS and dataset.count > 2:  # three bands of 8 bits need no names
            return find_rgb(path, dataset)[0]
        raise LandcoverError(
            f"{path}: its bands are not those that are wanted ({error}). Choose them by their "
            "numbers in the file (--bands; in the pipeline: data.bands)."
        ) from None


def check_bands(
    path: Location, dataset: DatasetReader, asked: Sequence[int | str], wanted: Sequence[str], *, grey: bool
) -> list[int]:
    """Find the bands that a user chose.

    Args:
        asked: Numbers, from 1, or names of the bands of this raster, in the order of `wanted`.
        wanted: Names of the bands that the model takes.
        grey: Whether one band may be asked for instead of all, and is then repeated.

    Returns:
        As many numbers as there are wanted bands.

    Raises:
        LandcoverError: The raster has no such band, or their count is wrong.
    """
    if wrong := [band for band in asked if isinstance(band, int) and not 1 <= band <= dataset.count]:
        raise LandcoverError(f"{path}: no band {wrong[0]}; it has 1 to {dataset.count}. Choose other bands.")
    if len(asked) != len(wanted) and not (grey and len(asked) == 1):
        raise LandcoverError(
            f"{path}: number of bands asked for: {len(asked)}. Choose {len(wanted)}, in the order of the model's: "
            f"{', '.join(wanted)}{'; or one for all' if grey else ''}."
        )
    found = [band if isinstance(band, int) else find_wanted(path, dataset, [band])[0] for band in asked]
    return found * (len(wanted) // len(found))


def band_names(dataset: DatasetReader) -> list[str | None]:
    """Names of the bands: their descriptions, or tags that name them; None where there is neither."""
    try:
        return [
            name or next((tags[tag] for tag in _NAME_TAGS if tags.get(tag)), None)
            for band, name in enumerate(dataset.descriptions, 1)
            for tags in [{key.upper(): value for key, value in dataset.tags(band).items()}]
        ]
    except UnicodeDecodeError:
        return [None] * dataset.count


def names_of(dataset: DatasetReader) -> list[str | None]:
    """Names of the bands, or their colour interpretations if none has a name and GDAL did not invent these."""
    names = band_names(dataset)
    if any(names):
        return names
    found = dataset.colorinterp
    is_invented = set(dataset.dtypes) == {"uint8"} and len(found) > 4 and set(found[3:]) <= _NO_COLOURS
    return [kind.name if kind.name in COMMON_NAMES and not is_invented else None for kind in found]


def _tags(path: Location, dataset: DatasetReader) -> dict[str, str]:
    """Tags of the file, and its name as PRODUCT if that tells the sensor."""
    try:
        tags: dict[str, str] = dataset.tags() | dataset.tags(ns="IMAGERY")
    except UnicodeDecodeError:
        tags = {}
    product = product_of(path)
    return tags | ({"PRODUCT": product} if product else {})


def product_of(path: Location) -> str | None:
    """The name of a product that tells its sensor: that of the file, or of a folder above it."""
    return next((part for part in reversed(re.split(r"[/\\]", str(path))) if _PRODUCT.match(part)), None)


def _wavelengths(dataset: DatasetReader) -> list[float | None]:
    """Central wavelengths of the bands in nanometres, None where the file has none (GDAL has micrometres)."""
    found: list[float | None] = []
    for band in dataset.indexes:
        try:
            found.append(1000 * float(dataset.tags(band, ns="IMAGERY")["CENTRAL_WAVELENGTH_UM"]))
        except (KeyError, ValueError):
            found.append(None)
    return found


def _by_interpretation(found: Sequence[ColorInterp], *, is_8_bit: bool) -> list[int] | None:
    """Numbers of the red, green and blue band by the interpretations of all bands; None if these do not tell."""
    if set(_COLOURS) <= set(found):
        bands = [found.index(colour) + 1 for colour in _COLOURS]
        is_invented = is_8_bit and len(found) > 4 and bands == [1, 2, 3] and set(found[3:]) <= _NO_COLOURS
        return None if is_invented else bands
    is_plain = len(found) <= 4 and is_8_bit and set(found) <= _NO_COLOURS and ColorInterp.alpha not in found[:3]
    return [1, 2, 3] if is_plain else None


def _unclear(path: Location, dataset: DatasetReader, reason: str, advice: str) -> LandcoverError:
    return LandcoverError(
        f"{path}: it is not clear which of its {dataset.count} bands are red, green and blue ({reason}). "
        f"{_listed(dataset)}. {advice}"
    )


def _listed(dataset: DatasetReader) -> str:
    """The bands by number, name, type and colour interpretation."""
    bands = zip(dataset.indexes, band_names(dataset), dataset.dtypes, dataset.colorinterp, strict=True)
    lines = [f"{n} {repr(name[:40]) + ' ' if name else ''}{dtype} {kind.name}" for n, name, dtype, kind in bands]
    more = f", and {len(lines) - _LISTED} more" if len(lines) > _LISTED else ""
    return f"Bands: {', '.join(lines[:_LISTED])}{more}"
