"""Search for STAC items, in an API or in a static catalogue. Needs pystac-client."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urljoin
from warnings import catch_warnings, simplefilter

import pystac
import shapely
from pystac_client import Client

from landcover.geo.stac_access import CatalogReader, item_of
from landcover.geo.times import parsed_time
from landcover.system.errors import LandcoverError, reason
from landcover.system.locations import Remote

Box = tuple[float, float, float, float]

_PAGE = 100  # items in an answer of an API
_MOST_FILES = 20_000  # of a static catalogue that are read
_SEARCH = "/item-search"  # how the conformance class of APIs that search ends


@dataclass(frozen=True)
class Query:
    """What is searched for.

    Attributes:
        box: West, south, east and north in degrees; west is larger than east across the 180th meridian.
        collections: Ids; none for all.
        start, end: When images were taken; None for any time before or after.
        limit: Number of items above which a search is refused.
    """

    box: Box
    collections: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 1000

    def __str__(self) -> str:
        collections = f"collection {', '.join(self.collections)}, " if self.collections else ""
        times = [f"{time:%Y-%m-%dT%H:%M:%SZ}" if time else ".." for time in (self.start, self.end)]
        return f"{collections}box {','.join(f'{value:g}' for value in self.box)}, time {'/'.join(times)}"

    def area(self) -> shapely.Geometry:
        """The box as a geometry, in two parts if the 180th meridian is within it."""
        west, south, east, north = self.box
        if west <= east:
            return shapely.box(west, south, east, north)
        return shapely.union(shapely.box(west, south, 180, north), shapely.box(-180, south, east, north))

    def fits(self, item: pystac.Item) -> bool:
        """Whether an item is of these collections, of this place and of this time."""
        if self.collections and item.collection_id not in self.collections:
            return False
        first, last = times_of(item)
        if (self.end and first and first > self.end) or (self.start and last and last < self.start):
            return False
        outline = outline_of(item)
        return outline is not None and bool(shapely.intersects(outline, self.area()))


def search(url: Remote, query: Query) -> list[pystac.Item]:
    """Search a catalogue for items.

    An API is asked page by page. A static catalogue is read file by file, without the collections that are not wanted
    or, by their own extent, elsewhere; its items are compared with the query here.

    Raises:
        LandcoverError: The catalogue cannot be read or is none; no item fits, or more than `query.limit`.
    """
    reader = CatalogReader(url)
    content = reader.read_json(url.url)
    if content.get("type") not in ("Catalog", "Collection"):
        advice = "Name it as an input, without --stac." if content.get("type") == "Feature" else "Correct the URL."
        raise LandcoverError(f"{url}: not a STAC catalogue. {advice}")
    classes = content.get("conformsTo") or []
    is_api = isinstance(classes, list) and any(_SEARCH in str(name) for name in classes)
    found = _asked(reader, url, content, query) if is_api else _walked(reader, url, content, query)
    items = list(islice(found, query.limit + 1))
    if len(items) > query.limit:
        raise LandcoverError(
            f"{url}: more than {query.limit} items ({query}). Narrow --bbox or --datetime, or raise --max-items."
        )
    if not items:
        raise LandcoverError(f"{url}: no item found ({query}). Change --collection, --bbox or --datetime.")
    return sorted({(item.collection_id, item.id): item for item in items}.values(), key=lambda item: item.id)


def times_of(item: pystac.Item) -> tuple[datetime | None, datetime | None]:
    """When the images of an item were taken: the first and the last moment, in UTC; None where it does not tell."""
    if item.datetime:
        moment = parsed_time(item.datetime.isoformat())
        return moment, moment
    first, last = (parsed_time(str(item.properties.get(f"{end}_datetime") or "")) for end in ("start", "end"))
    return first, last


def outline_of(item: pystac.Item) -> shapely.Geometry | None:
    """The outline of an item in degrees: its geometry, else its box; None if it has neither."""
    with suppress(Exception):  # a stranger's JSON makes shapely raise anything
        if item.geometry:
            return shapely.make_valid(shapely.geometry.shape(item.geometry))
    with suppress(Exception):
        if item.bbox:
            corners = [float(value) for value in item.bbox]
            half = len(corners) // 2
            return Query((corners[0], corners[1], corners[half], corners[half + 1])).area()
    return None


def _asked(reader: CatalogReader, url: Remote, content: dict[str, Any], query: Query) -> Iterator[pystac.Item]:
    times = [time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else ".." for time in (query.start, query.end)]
    links = [link for link in content.get("links") or () if isinstance(link, dict) and link.get("rel") == "search"]
    methods = {link.get("method", "GET") for link in links}
    with catch_warnings():
        simplefilter("ignore")  # of pystac-client, about what an API leaves out
        try:
            pages = Client.open(url.url, stac_io=reader).search(
                method="POST" if "POST" in methods or not methods else "GET",
                max_items=query.limit + 1,
                limit=min(_PAGE, query.limit + 1),
                collections=list(query.collections) or None,
                bbox=list(query.box),
                datetime="/".join(times) if query.start or query.end else None,
            )
            for found in pages.items_as_dicts():
                yield item_of(found, _self_of(found, url))
        except LandcoverError:
            raise
        except Exception as error:  # what an API answers may be anything
            raise LandcoverError(f"{url}: its answer is not that of a STAC API ({reason(error)}).") from error


def _walked(reader: CatalogReader, url: Remote, content: dict[str, Any], query: Query) -> Iterator[pystac.Item]:
    waiting, seen = [(url.url, content)], {url.url}
    while waiting:
        base, catalog = waiting.pop()
        if not _may_hold(catalog, query):
            continue
        for rel, href in _links(catalog, base):
            if href in seen:
                continue
            seen.add(href)
            if len(seen) > _MOST_FILES:
                raise LandcoverError(f"{url}: a catalogue of more than {_MOST_FILES} files. Name a part of it.")
            below = reader.read_json(href)
            if rel == "child" and below.get("type") in ("Catalog", "Collection"):
                waiting.append((href, below))
            elif rel == "item":
                item = item_of(below, Remote(href))
                if query.fits(item):
                    yield item


def _may_hold(catalog: dict[str, Any], query: Query) -> bool:
    """Whether a catalogue, or a collection by its id and extents, may have items that fit."""
    if catalog.get("type") != "Collection":
        return True
    if query.collections and catalog.get("id") not in query.collections and not any(_links(catalog, "", ("child",))):
        return False
    try:
        boxes = catalog["extent"]["spatial"]["bbox"]
        areas = [Query((box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1])).area() for box in boxes]
    except (LookupError, TypeError, ValueError):
        return True
    return not areas or any(shapely.intersects(area, query.area()) for area in areas)


def _links(catalog: dict[str, Any], base: str, kinds: Sequence[str] = ("child", "item")) -> list[tuple[str, str]]:
    links = catalog.get("links")
    return [
        (link["rel"], urljoin(base, link["href"]))
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("rel") in kinds and isinstance(link.get("href"), str)
    ]


def _self_of(content: dict[str, Any], url: Remote) -> Remote:
    """Where an item of an API is, by its link to itself."""
    for _, href in _links(content, url.url, ("self",)):
        with suppress(LandcoverError):
            return Remote(href)
    return url
