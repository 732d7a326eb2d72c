"""STAC items of small real GeoTIFFs, as a static catalogue and as an API, served on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import shapely
import uvicorn
from conftest import write_geotiff
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from landcover.geo.stac_search import Query

COLLECTION = "sentinel-2-l2a"
CRS = "EPSG:32633"
SIDE = 64  # pixels of 10 m
BANDS = {"red": ("B04", 10), "green": ("B03", 10), "blue": ("B02", 10), "nir": ("B08", 10), "swir16": ("B11", 20)}
ITEM_SEARCH = "https://api.stacspec.org/v1.0.0/item-search"
CLASSES = ["https://api.stacspec.org/v1.0.0/core", ITEM_SEARCH]


def corner(tile: int) -> tuple[float, float]:
    """West and north of a tile, in metres; tiles lie side by side."""
    return 500_000 + tile * SIDE * 10, 5_000_000


def box_of(tile: int) -> tuple[float, float, float, float]:
    """West, south, east and north of a tile in degrees."""
    west, north = corner(tile)
    return transform_bounds(CRS, "EPSG:4326", west, north - SIDE * 10, west + SIDE * 10, north)


def inner_box(tile: int) -> list[float]:
    """A box in the middle of a tile."""
    west, south, east, north = box_of(tile)
    return [
        west + (east - west) / 4,
        south + (north - south) / 4,
        east - (east - west) / 4,
        north - (north - south) / 4,
    ]


def item(
    folder: Path, name: str, tile: int = 0, day: str = "2024-06-01", cloud: float | None = 5, **properties: Any
) -> dict[str, Any]:
    """Write the bands of an item, files of their own at 10 or 20 m, into `folder/NAME`; return its JSON."""
    west, north = corner(tile)
    box = box_of(tile)
    assets = {}
    for index, (key, (band, metres)) in enumerate(BANDS.items()):
        side = SIDE * 10 // metres
        coarse = np.random.default_rng([index, tile, int(day[-2:])]).integers(100, 5000, (1, side // 8, side // 8))
        pixels = coarse.repeat(8, 1).repeat(8, 2).astype(np.uint16)
        (folder / name).mkdir(parents=True, exist_ok=True)
        place = from_origin(west, north, metres, metres)
        write_geotiff(folder / name / f"{band}.tif", pixels, crs=CRS, transform=place, nodata=0)
        assets[key] = {
            "href": f"./{band}.tif",
            "type": pystac.MediaType.COG,
            "roles": ["data"],
            "eo:bands": [{"name": band, "common_name": key}],
            "raster:bands": [{"data_type": "uint16", "scale": 0.0001, "offset": 0, "spatial_resolution": metres}],
        }
    assets["thumbnail"] = {"href": "./preview.jpg", "type": "image/jpeg", "roles": ["thumbnail"]}
    told = {"datetime": f"{day}T10:00:00Z", "platform": "sentinel-2a", "grid:code": f"MGRS-{tile}"} | properties
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": COLLECTION,
        "geometry": shapely.geometry.mapping(shapely.box(*box)),
        "bbox": list(box),
        "properties": told | ({} if cloud is None else {"eo:cloud_cover": cloud}),
        "links": [],
        "assets": assets,
    }


def write_item(folder: Path, content: dict[str, Any]) -> Path:
    """Write an item beside its files."""
    path = folder / content["id"] / "item.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_catalog(folder: Path, items: list[dict[str, Any]], extent: list[float] | None = None) -> None:
    """Write a static catalogue with one collection of these items."""
    links = [{"rel": "item", "href": f"./{content['id']}/item.json"} for content in items]
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "description": "",
        "license": "other",
    }
    collection["extent"] = {
        "spatial": {"bbox": [extent or [-180, -90, 180, 90]]},
        "temporal": {"interval": [[None] * 2]},
    }
    collection["links"] = [
        *links,
        {"rel": "root", "href": "./catalog.json"},
        {"rel": "child", "href": "./catalog.json"},
    ]
    catalog = {"type": "Catalog", "stac_version": "1.0.0", "id": "c", "description": "", "links": []}
    catalog["links"] = [{"rel": "child", "href": "./collection.json"}, {"rel": "self", "href": "http://0.0.0.0/x.json"}]
    (folder / "collection.json").write_text(json.dumps(collection))
    (folder / "catalog.json").write_text(json.dumps(catalog))
    for content in items:
        write_item(folder, content)


@contextmanager
def serving(folder: Path, items: list[dict[str, Any]] = ()) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder, with ranges, and at /api an API of items, three on a page; yield its URL and the asked paths."""
    asked: list[str] = []

    def root(request: Request) -> Response:
        base = str(request.base_url)
        links = [{"rel": "self", "href": f"{base}api"}]
        links += [{"rel": "search", "href": f"{base}api/search", "method": name} for name in ("GET", "POST")]
        content = {"type": "Catalog", "stac_version": "1.0.0", "id": "api", "description": "", "conformsTo": CLASSES}
        return JSONResponse(content | {"links": links})

    async def search(request: Request) -> Response:
        body = await request.json() if request.method == "POST" else dict(request.query_params)
        box = body.get("bbox") or [-180, -90, 180, 90]
        box = [float(side) for side in box.split(",")] if isinstance(box, str) else box
        names = body.get("collections") or ()
        query = Query(tuple(box), [names] if isinstance(names, str) else names)
        found = [one for one in items if query.fits(pystac.Item.from_dict(one))]
        start = int(body.get("token", 0))
        links = []
        if start + 3 < len(found):
            token = {**body, "token": start + 3}
            links = [{"rel": "next", "href": str(request.url), "method": "POST", "body": token}]
        base = str(request.base_url)
        page = [
            one | {"links": [{"rel": "self", "href": f"{base}{one['id']}/item.json"}]}
            for one in found[start : start + 3]
        ]
        return JSONResponse({"type": "FeatureCollection", "features": page, "links": links})

    def elsewhere(request: Request) -> Response:
        return RedirectResponse(request.query_params["to"])

    app = Starlette(
        routes=[
            Route("/api", root),
            Route("/api/search", search, methods=["GET", "POST"]),
            Route("/redirect", elsewhere),
            Mount("/", StaticFiles(directory=folder)),
        ]
    )

    async def logged(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
        await app(scope, receive, send)

    with running(logged) as url:
        yield url, asked


@contextmanager
def running(app: Callable[..., Any]) -> Iterator[str]:
    """Run an ASGI application in a thread, at a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
