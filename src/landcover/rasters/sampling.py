"""An even sample of a raster's pixels, from which percentiles are computed. Needs rasterio."""

from collections.abc import Callable, Sequence

import numpy as np
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.rasters.sidecars import has_own_overviews

_BLOCKS, _BLOCK = 4, 128  # of a quick sample, along each axis; and their sides in pixels
_SIDE = 2048  # pixels: longest side of the sample
_STRIP = 512  # rows that are read at a time where GDAL must not read at a lower resolution


def sample_pixels(dataset: DatasetReader, bands: Sequence[int]) -> np.ma.MaskedArray:
    """Read pixels on an even grid.

    Args:
        dataset: The raster.
        bands: Numbers from 1.

    Returns:
        Pixels in the file's own type (bands, rows, columns), at most `_SIDE` rows and columns, masked where they have
        no data.
    """
    shape = (len(bands), min(dataset.height, _SIDE), min(dataset.width, _SIDE))
    if has_own_overviews(dataset):
        sample: np.ma.MaskedArray = dataset.read(bands, masked=True, out_shape=shape, resampling=Resampling.nearest)
        return sample
    rows, columns = (np.arange(count) * size // count for count, size in zip(shape[1:], dataset.shape, strict=True))
    strips = []
    for top in range(0, dataset.height, _STRIP):
        window = Window(0, top, dataset.width, min(_STRIP, dataset.height - top))
        chosen = rows[(rows >= top) & (rows < top + _STRIP)] - top
        strips.append(dataset.read(bands, masked=True, window=window)[:, chosen][..., columns])
    concatenate: Callable[..., np.ma.MaskedArray] = np.ma.concatenate  # NumPy leaves it without types
    return concatenate(strips, axis=1)


def sample_blocks(dataset: DatasetReader, bands: Sequence[int]) -> np.ma.MaskedArray:
    """Read some small blocks, spread evenly: much less than `sample_pixels` reads, enough to tell usual values.

    Args:
        dataset: The raster.
        bands: Numbers from 1.

    Returns:
        Pixels in the file's own type (bands, N), masked where they have no data.
    """
    starts = [
        sorted({i * max(0, size - _BLOCK) // (_BLOCKS - 1) for i in range(_BLOCKS)})
        for size in (dataset.height, dataset.width)
    ]
    windows = [Window(column, row, _BLOCK, _BLOCK) for row in starts[0] for column in starts[1]]
    extent = Window(0, 0, dataset.width, dataset.height)
    found = [dataset.read(bands, masked=True, window=window.intersection(extent)) for window in windows]
    concatenate: Callable[..., np.ma.MaskedArray] = np.ma.concatenate  # NumPy leaves it without types
    return concatenate([block.reshape(len(bands), -1) for block in found], axis=1)
