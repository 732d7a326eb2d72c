"""Which of many STAC items are mapped: of each tile, the least cloudy one. Needs pystac."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import pystac
import shapely

from landcover.geo.stac_search import outline_of, times_of

_TILES = (  # properties that name a tile, of the extensions grid, mgrs and landsat, and of Sentinel-2
    ("grid:code",),
    ("s2:mgrs_tile",),
    ("mgrs:utm_zone", "mgrs:latitude_band", "mgrs:grid_square"),
    ("landsat:wrs_type", "landsat:wrs_path", "landsat:wrs_row"),
    ("landsat:wrs_path", "landsat:wrs_row"),
)
_DECIMALS = 2  # degrees: corners of items of one tile are alike by about a kilometre
_ENOUGH = 0.9  # of the largest part of the wanted area that an item of the tile covers


def least_cloudy(items: Sequence[pystac.Item], area: shapely.Geometry) -> list[pystac.Item]:
    """The least cloudy item of each tile; of equal ones the newest, then the first by its id.

    Items that cover clearly less of the wanted area than the best one of their tile, such as the edge of an orbit,
    do not count. Of those without a cloud cover nothing is known: they come last.

    Args:
        items: Of any tiles.
        area: The wanted area in degrees.

    Returns:
        One item per tile, sorted by tile.
    """
    tiles: dict[tuple[object, ...], list[pystac.Item]] = {}
    for item in items:
        tiles.setdefault(tile_of(item), []).append(item)
    chosen = []
    for tile in sorted(tiles, key=str):
        covered = {id(item): _covered(item, area) for item in tiles[tile]}
        enough = _ENOUGH * max(covered.values())
        chosen.append(min((item for item in tiles[tile] if covered[id(item)] >= enough), key=_rank))
    return chosen


def tile_of(item: pystac.Item) -> tuple[object, ...]:
    """What is the same for all items of one tile: their collection and the tile's name, else their place."""
    for keys in _TILES:
        if all(item.properties.get(key) is not None for key in keys):
            return (item.collection_id, *(str(item.properties[key]) for key in keys))
    outline = outline_of(item)
    box = () if outline is None else tuple(round(value, _DECIMALS) for value in shapely.bounds(outline).tolist())
    return (item.collection_id, *box)


def cloud_cover(item: pystac.Item) -> float | None:
    """The cloud cover of an item in percent; None if it does not tell."""
    try:
        value = float(item.properties["eo:cloud_cover"])
    except (KeyError, TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _rank(item: pystac.Item) -> tuple[float, float, str]:
    cover = cloud_cover(item)
    newest = times_of(item)[1] or datetime(1, 1, 1, tzinfo=UTC)
    return math.inf if cover is None else cover, -newest.timestamp(), item.id


def _covered(item: pystac.Item, area: shapely.Geometry) -> float:
    outline = outline_of(item)
    return 0 if outline is None else float(shapely.area(shapely.intersection(outline, area)))
