"""Tiles of an image as people see it, on the grid of a map: stretched to 8 bits, warped if need be. Needs rasterio."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from landcover.images.band_names import band_name
from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.bands import find_rgb, names_of
from landcover.rasters.grid import Grid
from landcover.rasters.pixels import BandPixels, find_palette
from landcover.rasters.stretching import STRETCH, Stretch
from landcover.report.composites import shown_bands
from landcover.system.errors import LandcoverError, reason
from landcover.system.locations import Location
from landcover.view.overviews import check_overviews, is_slow
from landcover.view.pyramid import Pyramid, Tile

_QUALITY = 90  # of WebP: differences are not seen, and a tile has a fifth of the bytes
_EFFORT = 1  # of 0 to 6: more takes longer than it saves on the way to the same machine


@dataclass(frozen=True)
class ImageStyle:
    """How an image is shown, the same in all tiles.

    Attributes:
        pixels: The shown bands of the image, three or one.
        palette: Colours of their values, for an image of indices.
        stretch: What makes 8 bits of them, for an image of other types.
        description: Which bands are shown, in words, if not true colours.
    """

    pixels: BandPixels
    palette: np.ndarray | None
    stretch: Stretch | None
    description: str

    @classmethod
    def of(cls, path: Path, dataset: DatasetReader) -> "ImageStyle":
        """Choose it: true colours if the bands tell which they are, else the first three bands or the first as grey.

        Values of other types than uint8 are stretched by the percentiles `STRETCH` of a sample of the whole image.

        Raises:
            LandcoverError: The pixels are of no real type, or of several types.
        """
        check_overviews(path, dataset)
        with raster_errors(path):
            palette = find_palette(dataset)
            bands, description = ([1], "") if palette is not None else _choose_bands(path, dataset)
            is_rgb = not description and dataset.dtypes[bands[0] - 1] == "uint8"
            pixels = BandPixels(path, dataset, bands, every=not is_rgb)
        stretched = palette is None and pixels.dtype != np.uint8
        stretch = Stretch.of(pixels.sample(quick=is_slow(dataset)), STRETCH) if stretched else None
        return cls(pixels, palette, stretch, description)

    def draw(self, pixels: np.ndarray, valid: np.ndarray | None) -> Image.Image:
        """Draw pixels (h, w, B) as red, green and blue, transparent where `valid`, bool (h, w), is False."""
        if self.palette is not None:
            pixels = self.palette[pixels[..., 0]]
        elif self.stretch:
            pixels = self.stretch(pixels)
        if pixels.shape[2] == 1:
            pixels = pixels.repeat(3, axis=2)
        if valid is not None and not valid.all():
            pixels = np.dstack([pixels, valid * np.uint8(255)])
        return Image.fromarray(pixels)


class ImageReader:
    """An open image that one thread at a time reads. `open_image` opens one.

    Args:
        style: How it is shown.
        dataset: Open, and open it stays.
        grid: Of the map, if the image is warped onto it; None if the pixels of both are the same.
        stack: Closes what is opened later.
    """

    def __init__(self, style: ImageStyle, dataset: DatasetReader, grid: Grid | None, stack: ExitStack) -> None:
        self._pixels, self._draw, self._grid = (
            style.pixels.on(dataset, has_masks=style.pixels.has_masks),
            style.draw,
            grid,
        )
        self._warped: BandPixels | None = None
        self._stack = stack

    def check(self, pyramid: Pyramid) -> None:
        """Find out at once whether the image can be warped onto the map, and has pixels there.

        Args:
            pyramid: Of the map.

        Raises:
            LandcoverError: It cannot, or has none.
        """
        first = pyramid.tile(0, 0, 0)
        if self._grid is None or first is None:
            return
        _, valid = self._read(first)
        if valid is not None and not valid.any():
            raise LandcoverError(
                f"{self._pixels.path}: has no pixel on the map. Give an image of the same ground, in the right place."
            )

    def read(self, tile: Tile) -> bytes:
        """A tile as WebP.

        Raises:
            LandcoverError: It cannot be read.
        """
        drawn = self._draw(*self._read(tile))
        file = io.BytesIO()
        drawn.save(file, "webp", quality=_QUALITY, method=_EFFORT)
        return file.getvalue()

    def _read(self, tile: Tile) -> tuple[np.ndarray, np.ndarray | None]:
        """Pixels (h, w, B), and where they have data, None for everywhere."""
        if self._grid is None:
            return self._pixels.read_window(tile.window, tile.shape)
        image = self._on(self._grid)
        pixels, valid = image.read_window(tile.window, tile.shape)
        with raster_errors(image.path):
            alpha = image.dataset.colorinterp.index(ColorInterp.alpha) + 1
            covered = image.dataset.read(alpha, window=tile.window, out_shape=tile.shape) > 0
        return pixels, covered if valid is None else covered & valid

    def _on(self, grid: Grid) -> BandPixels:
        """The image on the grid of the map. GDAL gives it overviews where the image has some: they are warped alone.

        An alpha band is 0 where the image has no pixels. If GDAL takes another band of the image for alpha, as near
        infrared in a fourth band, that is 0 there as well.
        """
        if self._warped is None:
            dataset = self._pixels.dataset
            is_palette = find_palette(dataset) is not None  # of which the values between two mean nothing
            with _warping_errors(self._pixels.path):
                warped = WarpedVRT(
                    dataset,
                    crs=grid.crs,
                    transform=grid.transform,
                    height=grid.height,
                    width=grid.width,
                    resampling=Resampling.nearest if is_palette else Resampling.bilinear,
                    add_alpha=ColorInterp.alpha not in dataset.colorinterp,
                )
            self._warped = self._pixels.on(self._stack.enter_context(warped), has_masks=False)
        return self._warped


@contextmanager
def _warping_errors(path: Location) -> Iterator[None]:
    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        raise LandcoverError(
            f"{path}: cannot be warped to the reference system of the map ({reason(error)[:80]}). Warp it (gdalwarp)."
        ) from error


@contextmanager
def open_image(path: Path, style: ImageStyle, grid: Grid | None) -> Iterator[ImageReader]:
    """Open an image whose style is known. Raises as `access.open_dataset`; see `ImageReader` for the arguments."""
    with open_dataset(path) as dataset, ExitStack() as stack:
        yield ImageReader(style, dataset, grid, stack)


def placed_on(path: Path, dataset: DatasetReader, grid: Grid) -> Grid | None:
    """The grid onto which an image must be warped to lie on a map; None if it has the same pixels.

    Without a reference system of either, equal sizes are the same pixels.

    Args:
        path, dataset: The image.
        grid: Of the map.

    Raises:
        LandcoverError: Nothing tells where the image lies on the map.
    """
    own = Grid.of(dataset)
    if own.crs is None or grid.crs is None:
        if dataset.shape == (grid.height, grid.width):
            return None
        raise LandcoverError(
            f"{path}: {own.width} x {own.height} pixels, but the map has {grid.width} x {grid.height}, and without a "
            "reference system in both nothing tells where one lies on the other. Give the image that the map is of."
        )
    with raster_errors(path):
        if own.is_same(grid):
            return None
    return grid


def _choose_bands(path: Path, dataset: DatasetReader) -> tuple[list[int], str]:
    """Numbers of the shown bands, and their names if they are not true colours."""
    try:
        bands, _ = find_rgb(path, dataset)
        return (bands, "") if len(set(bands)) == 3 else (bands[:1], "")
    except LandcoverError:  # it is not clear which they are
        names = [band_name(band, names_of(dataset)) for band in dataset.indexes]
        shown = shown_bands(names)
        described = ", ".join(names[i] for i in shown)
        return [i + 1 for i in shown], described if len(shown) > 1 else f"{described} as grey"
