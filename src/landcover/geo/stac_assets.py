"""The files and bands of a STAC item that a model needs. Needs pystac."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import pystac

from landcover.geo.stac_access import asset_location, place_of
from landcover.images.band_names import UnclearBands, find_bands
from landcover.images.pairs import RASTER_SUFFIXES
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location

_TYPES = ("image/tiff", "image/vnd.stac.geotiff", "image/jp2", "image/x.geotiff")
_NOT_DATA = {"thumbnail", "overview", "metadata"}
_JP2 = "jp2"
_LISTED = 30  # assets that an error names
_SENSOR = ("platform", "constellation", "instruments")
_BASELINE, _APPLIED = "s2:processing_baseline", "earthsearch:boa_offset_applied"


class Units(NamedTuple):
    """What a value of a band means: value * scale + offset, the offset here in the file's own steps, offset / scale."""

    scale: float | None
    steps: float


@dataclass(frozen=True)
class BandsOfItem:
    """Where the bands of an item are.

    Attributes:
        files: One with all of them, or one for each.
        bands: Their numbers, from 1: in the one file, or among the files; None if the file itself must tell.
        units: Of each; empty if `bands` is None.
        keys: Names of the assets, in the order of `files`.
    """

    files: tuple[Location, ...]
    bands: tuple[int, ...] | None
    units: tuple[Units, ...]
    keys: tuple[str, ...]


class _Band(NamedTuple):
    key: str
    number: int
    content: Mapping[str, Any]
    common: str | None
    name: str | None
    wavelength: float | None


def find_assets(item: pystac.Item, wanted: Sequence[str], dtype: str) -> BandsOfItem:
    """Find the wanted bands among the assets of an item.

    All are in one asset, or each in its own; where both is possible, what has the model's type of pixels (8 bits or
    more) is taken. Names are compared as those of the bands of files are (`band_names.find_bands`): the common names of
    the item, then its names of bands (numbers such as B8A by the sensor that the item names), then those of the assets.
    Of the same band in several files the one that is a TIFF is taken, then the one with the finest pixels.

    Args:
        item: Read by `stac_access`.
        wanted: Names of the bands.
        dtype: Pixel type of the model's images.

    Raises:
        LandcoverError: There is no asset for a band, or it is not clear which; or an asset must not be read.
    """
    rasters = {key: asset for key, asset in item.assets.items() if _is_raster(asset)}
    bands = {key: _bands(key, asset) for key, asset in rasters.items()}
    tags = {key: str(value) for key in _SENSOR if (value := item.properties.get(key))}
    choices: list[tuple[bool, bool, list[_Band]]] = []
    problem = "it has no images"
    for found in [_singles(rasters, bands), *(several for several in bands.values() if len(several) > 1)]:
        if not found:
            continue
        try:
            chosen = [found[_number(want, found, tags)] for want in wanted]
            if len({(band.key, band.number) for band in chosen}) < len(chosen):
                raise UnclearBands("two wanted bands are the same one")
        except UnclearBands as error:
            problem = str(error) if not choices else problem
            continue
        is_one = len(found) > 1 and len({band.key for band in found}) == 1
        differs = any(_is_8_bit(rasters[band.key], band) not in (None, dtype == "uint8") for band in chosen)
        choices.append((differs, is_one != (dtype == "uint8"), chosen))
    if not choices:
        if len(rasters) == 1 and all(len(own) == 1 and not own[0].content for own in bands.values()):
            ((key, asset),) = rasters.items()
            return BandsOfItem((asset_location(item, asset.href),), None, (), (key,))
        listed = ", ".join(_shown(key, bands.get(key, [])) for key in [*item.assets][:_LISTED]) or "none"
        raise LandcoverError(
            f"{place_of(item)}: no assets for the bands {', '.join(wanted)} ({problem}). It has: {listed}. Choose "
            "them by name with --bands."
        )
    chosen = min(choices, key=lambda choice: choice[:2])[2]
    keys = tuple(dict.fromkeys(band.key for band in chosen))
    numbers = tuple(band.number for band in chosen) if len(keys) == 1 else tuple(range(1, len(chosen) + 1))
    files = tuple(asset_location(item, rasters[key].href) for key in keys)
    return BandsOfItem(files, numbers, tuple(_units(item, rasters[band.key], band) for band in chosen), keys)


def _is_raster(asset: pystac.Asset) -> bool:
    if _NOT_DATA.intersection(asset.roles or ()):
        return False
    if asset.media_type:
        return asset.media_type.lower().startswith(_TYPES)
    return asset.href.partition("?")[0].lower().endswith(RASTER_SUFFIXES)


def _bands(key: str, asset: pystac.Asset) -> list[_Band]:
    """The bands of an asset: `bands` of STAC 1.1, else `eo:bands`; of one that tells none a single one."""
    fields = asset.extra_fields
    listed = next((value for name in ("bands", "eo:bands") if isinstance(value := fields.get(name), list)), None)
    contents = [band if isinstance(band, dict) else {} for band in listed or [{}]]
    found = []
    for number, content in enumerate(contents, 1):
        common = content.get("eo:common_name", content.get("common_name", fields.get("eo:common_name")))
        length = content.get("eo:center_wavelength", content.get("center_wavelength"))
        wavelength = 1000 * length if isinstance(length, int | float) else None  # micrometres
        name = content.get("name")
        names = [str(text) if text else None for text in (common, name)]
        found.append(_Band(key, number, content, names[0], names[1], wavelength))
    return found


def _singles(rasters: Mapping[str, pystac.Asset], bands: Mapping[str, list[_Band]]) -> list[_Band]:
    """The bands of assets with one band, each once."""
    alone = [own[0] for own in bands.values() if len(own) == 1]
    best: dict[object, _Band] = {}
    for band in sorted(alone, key=lambda band: _rank(rasters[band.key], band)):
        best.setdefault((band.common, band.name) if band.name else band.key, band)
    return [band for band in alone if band in best.values()]


def _rank(asset: pystac.Asset, band: _Band) -> tuple[bool, float]:
    sizes = [asset.extra_fields.get("gsd"), band.content.get("gsd"), _of_raster(asset, band, "spatial_resolution")]
    metres = next((float(size) for size in sizes if isinstance(size, int | float)), float("inf"))
    return _JP2 in (asset.media_type or "").lower() or asset.href.lower().endswith(_JP2), metres


def _number(want: str, bands: Sequence[_Band], tags: Mapping[str, str]) -> int:
    """Index of a wanted band, by the first kind of names that tells it."""
    wavelengths = [band.wavelength for band in bands]
    kinds: list[list[str | None]] = [
        [band.common for band in bands],
        [band.name for band in bands],
        [band.key for band in bands],
    ]
    for names in kinds:
        with suppress(UnclearBands):
            return find_bands([want], names, tags)[0] - 1
    try:
        return find_bands([want], kinds[1] if any(kinds[1]) else kinds[2], tags, wavelengths)[0] - 1
    except UnclearBands as error:
        raise UnclearBands(str(error).partition(";")[0]) from None


def _of_raster(asset: pystac.Asset, band: _Band, name: str) -> Any:
    """A field of the extension raster, of a band or of its whole asset, in STAC 1.1 or before."""
    older = asset.extra_fields.get("raster:bands")
    with suppress(LookupError, TypeError, AttributeError):
        return older[band.number - 1][name]  # type: ignore[index]
    for content in (band.content, asset.extra_fields):
        for key in (f"raster:{name}", name):
            if key in content:
                return content[key]
    return None


def _is_8_bit(asset: pystac.Asset, band: _Band) -> bool | None:
    """Whether the pixels of a band have 8 bits; None if unknown."""
    kind = _of_raster(asset, band, "data_type")
    if kind:
        return bool(kind == "uint8")
    return True if "visual" in (band.key.lower(), *(asset.roles or ())) else None


def _units(item: pystac.Item, asset: pystac.Asset, band: _Band) -> Units:
    scale, offset = (_of_raster(asset, band, name) for name in ("scale", "offset"))
    scale = float(scale) if isinstance(scale, int | float) and scale else None
    steps = round(float(offset) / (scale or 1), 3) if isinstance(offset, int | float) else 0.0
    if item.properties.get(_APPLIED) is True:
        steps = 0.0
    elif scale is None and offset is None:
        with suppress(TypeError, ValueError):  # values of Sentinel-2 are 1000 higher from baseline 04.00 on
            steps = -1000.0 if float(item.properties.get(_BASELINE, 0)) >= 4 else 0.0
    return Units(scale, steps)


def _shown(key: str, bands: Sequence[_Band]) -> str:
    names = [name for band in bands if (name := band.common or band.name)]
    return f"{key} ({', '.join(names)})" if names else key
