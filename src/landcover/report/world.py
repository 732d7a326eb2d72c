"""The map of the world: tiles of the embedded data set with their truth and prediction, put back on the globe."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from landcover.classes.class_table import ClassTable
from landcover.data.bluemarble import TILE_DEGREES, tile_corner
from landcover.images.image_files import read_packed, read_rgb
from landcover.images.pairs import Sample
from landcover.images.resizing import nearest
from landcover.report.figures import DPI, add_legend, class_patches, save_figure
from landcover.system.errors import LandcoverError

_PIXELS_PER_DEGREE = 5
_OPEN_SEA = (2, 5, 20)  # as in Blue Marble: tiles without land are not in the data set


def draw_world(tiles: Sequence[Sample], predictions: Mapping[str, Path], classes: ClassTable, path: Path | str) -> None:
    """Write a PNG of three maps, one below the other: image, truth and prediction of the tiles that are predicted.

    Args:
        tiles: All tiles: the images of those without a prediction are shown pale, for orientation.
        predictions: Masks by the names of their tiles.
        classes: Those of the masks.
        path: Of the PNG.

    Raises:
        LandcoverError: A name is not that of a tile of the embedded data set; or a file cannot be read.
    """
    images = {tile.name: read_rgb(tile.image) for tile in tiles}
    predicted = [tile for tile in tiles if tile.name in predictions]
    background = _pale(mosaic(images, _PIXELS_PER_DEGREE))
    maps = {
        "image": {tile.name: images[tile.name] for tile in predicted},
        "truth": {tile.name: classes.encode(classes.decode(read_packed(tile.mask))[0]) for tile in predicted},
        "prediction": {tile.name: read_rgb(predictions[tile.name]) for tile in predicted},
    }
    figure = Figure(figsize=(10.2, 15.9), dpi=DPI, layout="constrained")
    axes = figure.subplots(len(maps), 1, squeeze=False)[:, 0]
    for axis, (heading, shown) in zip(axes, maps.items(), strict=True):
        axis.imshow(mosaic(shown, _PIXELS_PER_DEGREE, background), extent=(-180, 180, -90, 90))
        axis.set_title(heading, fontsize=11)
        axis.set(xticks=range(-180, 181, 60), yticks=range(-90, 91, 30))
        axis.tick_params(labelsize=7)
    add_legend(figure, class_patches(classes))
    save_figure(figure, path)


def mosaic(
    tiles: Mapping[str, np.ndarray], pixels_per_degree: int, background: np.ndarray | tuple[int, int, int] = _OPEN_SEA
) -> np.ndarray:
    """Tiles, uint8 RGB by name, at their places on the globe: uint8 RGB (180 p, 360 p, 3), plate carree.

    Args:
        pixels_per_degree: p; tiles of another size are resized by nearest neighbour.
        background: Colour or image, of the size of the result, where there is no tile.

    Raises:
        LandcoverError: A name is not that of a tile of the embedded data set.
    """
    side = TILE_DEGREES * pixels_per_degree
    globe = np.empty((180 * pixels_per_degree, 360 * pixels_per_degree, 3), np.uint8)
    globe[:] = background
    for name, tile in tiles.items():
        corner = tile_corner(name)
        if corner is None:
            raise LandcoverError(f"{name}: not the name of a place on the globe, such as N45E015. Choose other images.")
        row, column = (90 - corner[0] - TILE_DEGREES) * pixels_per_degree, (corner[1] + 180) * pixels_per_degree
        globe[row : row + side, column : column + side] = nearest(tile, (side, side))
    return globe


def _pale(image: np.ndarray) -> np.ndarray:
    return 255 - (255 - image) // 3
