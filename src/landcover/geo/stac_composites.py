"""The median of the images of several STAC items, as one image without clouds. Needs odc-stac (the extra stac)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio
import shapely
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window
from rasterio.windows import transform as window_transform
from tqdm import tqdm

from landcover.geo.stac_access import asset_location
from landcover.geo.stac_assets import BandsOfItem
from landcover.geo.stac_search import Query, outline_of
from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.checked_reader import CheckedReader
from landcover.system.errors import LandcoverError, note
from landcover.system.locations import Location
from landcover.system.progress_bar import progress_bar

_SCL = "scl"  # the asset of Sentinel-2's scene classification
_HIDDEN = (0, 1, 3, 8, 9, 10)  # in it: no data, saturated, shadows of clouds, clouds, cirrus
_MEMORY = 256 << 20  # bytes of the images of a block
_SIDE = 256  # pixels: sides of blocks are multiples of it
_LARGEST = 40_000  # pixels: longest side of a composite
_MASK = "mask"


@dataclass(frozen=True)
class Composite:
    """A median that is to be made.

    Attributes:
        items: Of which it is.
        assets: Of each item.
        wanted: Names of the bands.
        bounds: West, south, east and north in degrees.
    """

    items: tuple[pystac.Item, ...]
    assets: tuple[BandsOfItem, ...]
    wanted: tuple[str, ...]
    bounds: tuple[float, float, float, float]


def plan_composite(
    items: Sequence[pystac.Item], assets: Sequence[BandsOfItem], wanted: Sequence[str], query: Query
) -> Composite:
    """Plan the median of items within the box of a search; no pixel is read.

    Raises:
        LandcoverError: The items do not tell their bands, their values have different units, or the box crosses the
            180th meridian.
    """
    if query.box[0] > query.box[2]:
        raise LandcoverError("--composite: a box across the 180th meridian has no median. Ask for each side alone.")
    if any(one.bands is None for one in assets):
        raise LandcoverError("--composite: the items do not tell their bands. Leave it out.")
    units = {one.units for one in assets}
    if len(units) > 1:
        first = next(item for item, one in zip(items, assets, strict=True) if one.units != assets[0].units)
        raise LandcoverError(
            f"{items[0].id} and {first.id}: their values have different units (scale and offset), so they have no "
            "median. Narrow --datetime."
        )
    covered = shapely.union_all([outline for item in items if (outline := outline_of(item)) is not None])
    west, south, east, north = shapely.bounds(shapely.intersection(covered, query.area())).tolist()
    return Composite(tuple(items), tuple(assets), tuple(wanted), (west, south, east, north))


def write_composite(composite: Composite, path: Path, *, quiet: bool) -> None:
    """Write the median of items as a GeoTIFF.

    Its reference system and the size of its pixels are those of the finest band of the first item. Each band is the
    median of the values of all items that have data; where the items have a scene classification (an asset SCL, as
    Sentinel-2's products of level 2A have), clouds, their shadows and cirrus do not count.

    Args:
        composite: What is to be made.
        path: Of the file.
        quiet: Show neither notes nor a progress bar.

    Raises:
        LandcoverError: An image cannot be read, or the composite would be too large.
    """
    import odc.stac
    from odc.geo.geobox import GeoBox

    driver, sources, has_masks = _sources(composite)
    if not has_masks and not quiet:
        note(f"{path.stem}: not all items have an asset SCL, so no clouds are hidden: the median alone removes them.")
    crs, transform, width, height, dtype = _grid(composite)
    bands = [_key(number) for number in range(len(composite.wanted))]
    pixel = 4 * len(sources) * (len(bands) + 1)
    side = max(int((_MEMORY / pixel) ** 0.5) // _SIDE, 1) * _SIDE
    profile: dict[str, Any] = {"driver": "GTiff", "width": width, "height": height, "count": len(bands)}
    profile |= {"dtype": dtype, "crs": crs, "transform": transform, "compress": "deflate", "bigtiff": "if_safer"}
    profile |= {"tiled": True, "blockxsize": _SIDE, "blockysize": _SIDE}
    bar: tqdm[None] = progress_bar(path.name, width * height / 1e6, "megapixels", decimals=1, quiet=quiet)
    with bar, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as file:
        file.descriptions = composite.wanted
        for window in _windows(width, height, side):
            there = window_transform(window, transform)
            loaded = odc.stac.load(
                sources,
                bands=[*bands, *([_MASK] if has_masks else [])],
                geobox=GeoBox((int(window.height), int(window.width)), there, crs.to_wkt()),
                groupby="id",
                dtype="float32",
                nodata=float("nan"),
                driver=driver,
                fail_on_error=True,
            )
            median, valid = _median(loaded, bands, has_masks)
            if np.dtype(dtype).kind != "f":
                limits = np.iinfo(dtype)
                median = median.round().clip(limits.min, limits.max)
            file.write(median.astype(dtype), window=window)
            file.write_mask(valid, window=window)
            bar.update(window.width * window.height / 1e6)


def _median(loaded: Any, bands: Sequence[str], has_masks: bool) -> tuple[np.ndarray, np.ndarray]:
    """The median of each band, (B, h, w), 0 where there is none; and where all bands have one, bool (h, w)."""
    pixels = np.stack([loaded[band].values for band in bands])  # (B, items, h, w)
    seen = np.isfinite(pixels).all(0)
    if has_masks:
        seen &= ~np.isin(np.nan_to_num(loaded[_MASK].values), _HIDDEN)
    valid = seen.any(0)
    pixels[:, ~seen] = np.nan
    pixels[:, :, ~valid] = 0
    return np.nanmedian(pixels, axis=1), valid


def _windows(width: int, height: int, side: int) -> Iterator[Window]:
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield Window(left, top, min(side, width - left), min(side, height - top))


def _grid(composite: Composite) -> tuple[CRS, Affine, int, int, str]:
    """Reference system, transform, width, height and pixel type of a composite: the grid of the first item's files."""
    grids = []
    for file in composite.assets[0].files:
        with open_dataset(file) as dataset:
            grids.append((abs(dataset.transform.determinant), dataset.transform, dataset.crs, dataset.dtypes[0]))
    _, transform, crs, dtype = min(grids, key=lambda grid: grid[0])
    if crs is None:
        raise LandcoverError(f"{composite.assets[0].files[0]}: no reference system. Leave --composite out.")
    west, south, east, north = transform_bounds("EPSG:4326", crs, *composite.bounds, densify_pts=33)
    columns, rows = ~transform * (np.array([west, east, west, east]), np.array([south, south, north, north]))
    left, top = int(np.floor(columns.min() + 1e-6)), int(np.floor(rows.min() + 1e-6))
    width, height = int(np.ceil(columns.max() - 1e-6)) - left, int(np.ceil(rows.max() - 1e-6)) - top
    if not 0 < max(width, height) <= _LARGEST:
        raise LandcoverError(
            f"--composite: {width} x {height} pixels; at most {_LARGEST} on a side. Ask for smaller parts by --bbox."
        )
    return crs, transform * Affine.translation(left, top), max(width, 1), max(height, 1), dtype


def _sources(composite: Composite) -> tuple[Any, list[pystac.Item], bool]:
    """What odc-stac loads: items with one asset for each band, under names that mean nothing, and their reader."""
    files: dict[str, tuple[Location, int, bool]] = {}
    masks = [_mask_of(item) for item in composite.items]
    has_masks = all(masks)
    sources = []
    for number, (item, assets) in enumerate(zip(composite.items, composite.assets, strict=True)):
        source = pystac.Item(f"{number:06d}", item.geometry, item.bbox, _time_of(item), {})
        found: dict[str, tuple[Location, int, bool]] = {}
        for place, band in enumerate(assets.bands or ()):
            is_one = len(assets.files) == 1
            found[_key(place)] = (assets.files[0 if is_one else place], band if is_one else 1, False)
        if has_masks and (mask := masks[number]):
            found[_MASK] = (mask, 1, True)
        for key, what in found.items():
            uri = f"/{number}/{key}.tif"
            files[uri] = what
            source.add_asset(key, pystac.Asset(uri, media_type=pystac.MediaType.GEOTIFF, roles=["data"]))
        sources.append(source)
    return _driver(files), sources, has_masks


def _time_of(item: pystac.Item) -> Any:
    """A time of an item, as odc-stac needs one."""
    return item.datetime or item.common_metadata.start_datetime


def _mask_of(item: pystac.Item) -> Location | None:
    asset = next((asset for key, asset in item.assets.items() if key.lower() == _SCL), None)
    return asset_location(item, asset.href) if asset else None


def _key(number: int) -> str:
    return f"band{number}"


def _driver(files: dict[str, tuple[Location, int, bool]]) -> Any:
    """A reader for odc-stac that opens files as safely as the rest of this program; its own would open anything."""
    from odc.loader._rio import RioDriver

    class Reader:
        def __init__(self, uri: str) -> None:
            self.file, self.band, self.is_mask = files[uri]

        def read(
            self, cfg: Any, dst_geobox: Any, *, dst: np.ndarray | None = None, selection: Any = None
        ) -> tuple[tuple[slice, slice], np.ndarray]:
            height, width = dst_geobox.shape
            resampling = Resampling.nearest if self.is_mask else Resampling.bilinear
            place = {"crs": dst_geobox.crs.to_wkt(), "transform": dst_geobox.transform}
            with open_dataset(self.file) as source, raster_errors(Path(str(self.file))):
                options = {} if source.nodata is not None else {"add_alpha": True}
                with WarpedVRT(source, width=width, height=height, resampling=resampling, **place, **options) as warped:
                    pixels = warped.read(self.band, masked=True).astype(np.float32).filled(np.nan)
                if isinstance(source, CheckedReader):
                    for file in source.remote:
                        file.check()  # GDAL goes on without what could not be read
            everywhere = slice(0, height), slice(0, width)
            if dst is not None:
                dst[everywhere] = pixels
            return everywhere, pixels

    class Driver(RioDriver):
        @contextmanager
        def restore_env(self, env: Any, load_state: Any) -> Iterator[Any]:
            yield None

        def capture_env(self) -> dict[str, Any]:
            return {}

        def open(self, src: Any, ctx: Any) -> Any:
            return Reader(src.uri)

    return Driver()
