"""STAC items as scenes to be mapped. Needs pystac."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pystac

from landcover.geo.stac import Origin
from landcover.geo.stac_access import place_of
from landcover.geo.stac_assets import BandsOfItem, Units, find_assets
from landcover.geo.stac_composites import Composite, plan_composite
from landcover.geo.stac_search import Query, times_of
from landcover.geo.stac_tiles import cloud_cover
from landcover.rasters.cropping import Box
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError, note, warn

_LONGEST = 150  # characters of a name


@dataclass(frozen=True)
class ItemScene:
    """A scene made of an item.

    Attributes:
        scene: Its files are the assets of the bands.
        bands: Numbers of the bands in the scene, in the model's order; None if the file must tell.
        origin: The item, for the map's own item.
        units: Of the bands; empty if unknown.
        composite: What the scene is made of, if it is still to be made: its files are then those of the first item.
    """

    scene: Scene
    bands: tuple[int, ...] | None
    origin: Origin
    units: tuple[Units, ...] = ()
    composite: Composite | None = None


def scene_of(item: pystac.Item, wanted: Sequence[str], dtype: str, box: Box | None = None) -> ItemScene:
    """Make a scene of an item, named after it; no pixel is read.

    Args:
        item: Read by `stac_access`.
        wanted, dtype: Bands and pixel type of the model's images, see `stac_assets.find_assets`.
        box: The part of the item that is wanted.

    Raises:
        LandcoverError: See `stac_assets.find_assets`.
    """
    assets: BandsOfItem = find_assets(item, wanted, dtype)
    name = name_of(item)
    return ItemScene(Scene(name, assets.files, box), assets.bands, origin_of(name, [item]), assets.units)


def composite_scene(items: Sequence[pystac.Item], wanted: Sequence[str], dtype: str, query: Query) -> ItemScene:
    """Plan the scene that is the median of items.

    Its name ends in digits that tell its items and its place, so that another search does not find its map finished.

    Raises:
        LandcoverError: See `stac_assets.find_assets` and `stac_composites.plan_composite`.
    """
    composite = plan_composite(items, [find_assets(item, wanted, dtype) for item in items], wanted, query)
    content = json.dumps([sorted(f"{item.collection_id} {item.id}" for item in items), query.box, list(wanted)])
    digits = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    name = f"{_file_name(items[0].collection_id or 'items')}_median_{digits}"
    bands = tuple(range(1, len(wanted) + 1))
    return ItemScene(
        Scene(name, composite.assets[0].files), bands, origin_of(name, items), composite.assets[0].units, composite
    )


def name_of(item: pystac.Item) -> str:
    """The id of an item as the name of a file: letters, digits, `_`, `-` and dots."""
    return _file_name(item.id)


def origin_of(name: str, items: Sequence[pystac.Item]) -> Origin:
    """The items of an image of this name."""
    times = [times_of(item) for item in items]
    firsts, lasts = [time for time, _ in times if time], [time for _, time in times if time]
    places = tuple(place_of(item) for item in items)
    return Origin(name, places, min(firsts, default=None), max(lasts, default=None))


def by_name(scenes: Iterable[ItemScene]) -> dict[str, ItemScene]:
    """Scenes by name.

    Raises:
        LandcoverError: Two have the same.
    """
    found: dict[str, ItemScene] = {}
    for one in scenes:
        other = found.setdefault(one.scene.name, one)
        if other is not one:
            places = " and ".join(str(each.origin.items[0]) for each in (other, one))
            raise LandcoverError(f"{places}: their maps would have the same name. Predict them to different folders.")
    return found


def warn_of_units(scenes: Sequence[ItemScene]) -> None:
    """Warn if values of scenes mean different things, or have an offset that the model may not know.

    Values are used as they are in the files, as everywhere in this program: scale and offset are not applied.
    """
    known = [one for one in scenes if one.units]
    if not known:
        return
    other = next((one for one in known if set(one.units) != set(known[0].units)), None)
    if other:
        warn(
            f"{known[0].scene.name} and {other.scene.name}: their values have different units ({_in_words(known[0])}; "
            f"{_in_words(other)}) and are used as they are. Narrow --datetime, or predict them by different models."
        )
        return
    if any(unit.steps for unit in known[0].units):
        warn(
            f"{known[0].scene.name}: its values have an offset ({_in_words(known[0])}), which is not applied. The "
            "map is right only if the model was trained on images with the same one."
        )


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)[:_LONGEST].strip(".") or "item"


def _in_words(one: ItemScene) -> str:
    units = dict.fromkeys(one.units)
    return ", ".join(f"scale {unit.scale or 1:g}, offset {unit.steps:g} steps" for unit in units)


def note_choice(chosen: Sequence[pystac.Item], found: int) -> None:
    """Say which items are mapped, of how many."""
    covers = [
        f"{item.id} ({'cloud cover unknown' if (cover := cloud_cover(item)) is None else f'{cover:g} % cloud'})"
        for item in chosen[:3]
    ]
    more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
    note(f"of {found} items the least cloudy of each tile: {', '.join(covers)}{more}")
