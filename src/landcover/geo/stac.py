"""Maps as items of a SpatioTemporal Asset Catalog (STAC): what a map is, where, of when, and by which model.

Needs pystac and its extensions (the extra geo).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pystac
import shapely
from pyproj import CRS
from pystac.extensions.classification import Classification, ClassificationExtension
from pystac.extensions.mlm import InputStructure, MLMExtension, ModelInput, ModelOutput, ResultStructure, TaskType
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import DataType, RasterBand, RasterExtension
from rasterio.io import DatasetReader

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.colours import hex_colour
from landcover.geo.legends import legend_files
from landcover.geo.map_reader import open_map
from landcover.geo.measurements import Measurements
from landcover.geo.pixel_areas import PixelAreas, placed
from landcover.geo.stac_files import reference, write_item
from landcover.geo.times import FIRST_AERIAL_IMAGE, time_of
from landcover.models.model_file import Model
from landcover.rasters.earth_coordinates import EarthCoordinates
from landcover.system.errors import note
from landcover.system.locations import Location

_EXACT, _DECIMALS = 1e-5, 7  # degrees of the outline: a metre, but less for small maps; a centimetre


@dataclass(frozen=True)
class Origin:
    """The STAC items of which an image is.

    Attributes:
        name: Of the image, for people.
        items: Where the items are, URLs without credentials or paths.
        first, last: When their images were taken; None where they do not tell.
    """

    name: str
    items: tuple[Location, ...]
    first: datetime | None
    last: datetime | None


def write_stac_item(
    path: Path,
    map_path: Path,
    image: Location,
    model: Model,
    time: datetime | None = None,
    *,
    origin: Origin | None = None,
    quiet: bool = False,
) -> None:
    """Write the STAC item of a map.

    Its geometry is the outline of the map in WGS 84, cut at the 180th meridian; a map without a place on Earth has
    none. Its time is that of the image, see `times.time_of`; if neither that nor `time` tells it, an interval that ends
    when the file of the image was last changed; of one elsewhere, now.

    Args:
        path: Of the item, a JSON file.
        map_path: A map that this program wrote.
        image: Of which the map is.
        model: By which it was drawn.
        time: Of images that do not tell theirs.
        origin: The items of which the image is, if it is of any: they tell the time, and are named as sources.
        quiet: Whether to be silent about an unknown time.

    Raises:
        LandcoverError: The map cannot be read, or the item not be written.
    """
    moment, span = _time(image, time, origin, quiet)
    with open_map(map_path) as (file, _):
        geometry = _outline(file)
        box = None if geometry is None else _box(geometry)
        item = pystac.Item(
            map_path.stem,
            None if geometry is None else shapely.geometry.mapping(geometry),
            box,
            moment,
            {"title": f"Land cover of {origin.name if origin else image.name}"},
            start_datetime=span and span[0],
            end_datetime=span and span[1],
        )
        is_cog = file.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG"
        media = pystac.MediaType.COG if is_cog else pystac.MediaType.GEOTIFF
        asset = pystac.Asset(reference(map_path, path), "Labels", media_type=media, roles=["data"])
        item.add_asset("map", asset)
        _describe_place(item, file)
        earth = EarthCoordinates.of(file.crs) if file.crs else None
        resolution = round(PixelAreas(earth, file.transform, file.shape).side, 3) if earth else None
    band = RasterBand.create(nodata=UNKNOWN, data_type=DataType.UINT8, spatial_resolution=resolution)
    RasterExtension.ext(asset, add_if_missing=True).apply(bands=[band])
    ClassificationExtension.ext(asset, add_if_missing=True).apply(_classes(model.classes))
    _describe_model(item, model)
    style, table = legend_files(map_path)
    for key, beside, title, role in (
        ("style", style, "Style for QGIS", "style"),
        ("attribute_table", table, "Raster attribute table for GDAL", "metadata"),
    ):
        if beside.is_file():
            item.add_asset(key, pystac.Asset(reference(beside, path), title, None, pystac.MediaType.XML, [role]))
    for source in origin.items if origin else ():
        href = reference(source, path) if isinstance(source, Path) else str(source)
        item.add_link(pystac.Link(pystac.RelType.DERIVED_FROM, href, pystac.MediaType.GEOJSON))
    write_item(path, item.to_dict(include_self_link=False, transform_hrefs=False))


def _time(
    image: Location, time: datetime | None, origin: Origin | None, quiet: bool
) -> tuple[datetime | None, tuple[datetime, datetime] | None]:
    """When an image was taken; or the first and the last moment at which it may have been."""
    if origin and origin.first and origin.last:
        return (origin.first, None) if origin.first == origin.last else (None, (origin.first, origin.last))
    moment = (None if origin else time_of(image)) or time
    if moment:
        return moment, None
    if not quiet:
        note(f"{image}: does not tell its time, so its STAC item spans all time before the file. Add --datetime.")
    end = datetime.now(UTC).replace(microsecond=0)
    if isinstance(image, Path) and not origin:
        end = datetime.fromtimestamp(int(image.stat().st_mtime), UTC)
    return None, (FIRST_AERIAL_IMAGE, end)


def _outline(file: DatasetReader) -> shapely.Geometry | None:
    """The outline of a map in WGS 84; None without a place on Earth."""
    earth = EarthCoordinates.of(file.crs) if file.crs else None
    if earth is None:
        return None
    corners = np.array([(0, 0), (file.width, 0), (file.width, file.height), (0, file.height)], float)
    measure = Measurements(earth, file.transform, file.shape, in_degrees=True)
    outline = measure(np.array([shapely.Polygon(placed(file.transform, corners))]))[1][0]
    if outline is None:
        return None
    west, south, east, north = shapely.bounds(outline)
    simple = shapely.simplify(outline, min(_EXACT, np.hypot(east - west, north - south) * _EXACT))
    return shapely.transform(simple, partial(np.round, decimals=_DECIMALS))


def _box(geometry: shapely.Geometry) -> list[float]:
    """West, south, east and north; west is larger than east if the 180th meridian lies between (RFC 7946, 5.2)."""
    parts = shapely.bounds(shapely.get_parts(geometry))
    west, south, east, north = shapely.bounds(geometry).tolist()
    ends, begins = parts[:, 2] == 180, parts[:, 0] == -180
    if ends.any() and begins.any() and not (ends & begins).any():
        beyond = parts[:, 0] >= 0
        west, east = float(parts[beyond, 0].min()), float(parts[~beyond, 2].max())
    return [west, south, east, north]


def _describe_place(item: pystac.Item, file: DatasetReader) -> None:
    code = CRS.from_user_input(file.crs).to_epsg() if file.crs else None
    wkt = CRS.from_user_input(file.crs).to_wkt() if file.crs and not code else None
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        code=f"EPSG:{code}" if code else None, wkt2=wkt, shape=list(file.shape), transform=list(file.transform)[:6]
    )


def _classes(classes: ClassTable) -> list[Classification]:
    """The labels of a map: names of the letters that the extension allows, titles as they are, and colours."""
    described: list[Classification] = []
    for label, (title, colour) in enumerate(classes.colours.items()):
        name = re.sub("[^0-9A-Za-z_-]+", "_", title)
        if not name.strip("_") or name in (one.name for one in described):
            name = f"class_{label}"
        hint = hex_colour(colour)[1:].upper()
        described.append(Classification.create(label, name=name, title=title, description=title, color_hint=hint))
    unknown = classes.ignore_name
    name = f"{re.sub('[^0-9A-Za-z_-]+', '_', unknown)}_nodata"
    return [*described, Classification.create(UNKNOWN, name=name, title=unknown, description="No data", nodata=True)]


def _describe_model(item: pystac.Item, model: Model) -> None:
    images, architecture = model.images, str(model.architecture)
    task = [TaskType.SEMANTIC_SEGMENTATION]
    size, order = [-1, len(images.bands), -1, -1], ["batch", "bands", "height", "width"]
    taken = InputStructure.create(size, order, DataType(images.dtype))
    given = ResultStructure.create([-1, -1, -1], ["batch", "height", "width"], DataType.UINT8)
    MLMExtension.ext(item, add_if_missing=True).apply(
        name=model.path.stem if model.path else architecture,
        architecture=architecture,
        tasks=task,
        input=[ModelInput.create("image", list(images.bands), taken)],
        output=[ModelOutput.create("labels", task, given, classes=_classes(model.classes))],
        framework="pytorch",
    )
