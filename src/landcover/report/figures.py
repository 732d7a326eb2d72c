"""Images of predictions beside the truth, for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from landcover.classes.class_table import IGNORE, ClassTable
from landcover.data.globe import TILE_DEGREES, tile_corner
from landcover.images.pairs import Sample, read_packed, read_rgb
from landcover.system.files import replacing

RIGHT, WRONG = (198, 219, 196), (203, 45, 45)
"""Colours of the pixels that are predicted right and wrong; those of unknown truth keep the unknown class's colour."""
_DPI = 100
_PIXELS_A_DEGREE = 5
_OPEN_SEA = (2, 5, 20)  # Blue Marble's; tiles without land are not in the data set


@dataclass(frozen=True)
class Comparison:
    """A sample, the mask predicted for it, and a title to show beside them."""

    title: str
    sample: Sample
    prediction: Path


def draw_samples(comparisons: Sequence[Comparison], classes: ClassTable, path: Path | str) -> None:
    """Write a PNG with a row per comparison: image, truth, prediction, and where the prediction is right or wrong."""
    rows = len(comparisons)
    figure = Figure(figsize=(10.4, 2.45 * rows + 0.75), dpi=_DPI, layout="constrained")
    axes = figure.subplots(rows, 4, squeeze=False)
    for row, comparison in zip(axes, comparisons, strict=True):
        row[0].set_ylabel(comparison.title, fontsize=9, parse_math=False)
        truth, _ = classes.decode(read_packed(comparison.sample.mask))
        predicted, _ = classes.decode(read_packed(comparison.prediction))
        panels = (
            read_rgb(comparison.sample.image),
            classes.encode(truth),
            classes.encode(predicted),
            _verdict(truth, predicted, classes),
        )
        for axis, panel in zip(row, panels, strict=True):
            axis.imshow(panel, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
    for axis, heading in zip(axes[0], ("image", "truth", "prediction", "right or wrong"), strict=True):
        axis.set_title(heading, fontsize=11)
    _legend(figure, [*_class_patches(classes), _patch(RIGHT, "right"), _patch(WRONG, "wrong")])
    _save(figure, path)


def draw_world(tiles: Sequence[Sample], predictions: Mapping[str, Path], classes: ClassTable, path: Path | str) -> None:
    """Write a PNG of the globe: image, truth and prediction of the tiles that have one, one map below the other.

    The images of the other tiles show palely, for orientation. If the tiles' names are no places on the globe
    (`landcover.data.globe`), the PNG only says so.
    """
    if any(tile_corner(tile.name) is None for tile in tiles):
        return _draw_note("No map: the images' names are not places on the globe, as N45E015 is.", path)
    judged = [tile for tile in tiles if tile.name in predictions]
    images = {tile.name: read_rgb(tile.image) for tile in tiles}
    background = _faded(_mosaic(images))
    maps = {
        "image": {tile.name: images[tile.name] for tile in judged},
        "truth": {tile.name: classes.encode(classes.decode(read_packed(tile.mask))[0]) for tile in judged},
        "prediction": {tile.name: read_rgb(predictions[tile.name]) for tile in judged},
    }
    figure = Figure(figsize=(10.2, 15.9), dpi=_DPI, layout="constrained")
    for axis, (heading, shown) in zip(figure.subplots(len(maps), 1), maps.items(), strict=True):
        axis.imshow(_mosaic(shown, background), extent=(-180, 180, -90, 90))
        axis.set_title(heading, fontsize=11)
        axis.set(xticks=range(-180, 181, 60), yticks=range(-90, 91, 30))
        axis.tick_params(labelsize=7)
    _legend(figure, _class_patches(classes))
    _save(figure, path)


def _mosaic(tiles: Mapping[str, np.ndarray], background: np.ndarray | None = None) -> np.ndarray:
    """Tiles, uint8 RGB by name, thinned and put in their places: uint8 RGB (900, 1800, 3), plate carree."""
    side = TILE_DEGREES * _PIXELS_A_DEGREE
    globe = np.full((180 * _PIXELS_A_DEGREE, 360 * _PIXELS_A_DEGREE, 3), _OPEN_SEA, np.uint8)
    if background is not None:
        globe[:] = background
    for name, tile in tiles.items():
        south, west = tile_corner(name)
        row, column = (90 - south - TILE_DEGREES) * _PIXELS_A_DEGREE, (west + 180) * _PIXELS_A_DEGREE
        thinned = np.ix_(*(np.arange(side) * length // side for length in tile.shape[:2]))
        globe[row : row + side, column : column + side] = tile[thinned]
    return globe


def _faded(image: np.ndarray) -> np.ndarray:
    return 255 - (255 - image) // 3


def _draw_note(text: str, path: Path) -> None:
    figure = Figure(figsize=(8, 1), dpi=_DPI)
    figure.text(0.5, 0.5, text, ha="center", va="center")
    _save(figure, path)


def _verdict(truth: np.ndarray, predicted: np.ndarray, classes: ClassTable) -> np.ndarray:
    colours = np.where((truth == predicted)[..., None], np.uint8(RIGHT), np.uint8(WRONG))
    return np.where((truth == IGNORE)[..., None], classes.palette[IGNORE], colours)


def _class_patches(classes: ClassTable) -> list[Patch]:
    known = [_patch(colour, name) for name, colour in classes.colours.items()]
    return [*known, _patch(classes.ignore[1], classes.ignore[0])] if classes.ignore else known


def _patch(colour: tuple[int, int, int], label: str) -> Patch:
    return Patch(facecolor=np.array(colour) / 255, edgecolor="grey", label=label)


def _legend(figure: Figure, patches: list[Patch]) -> None:
    legend = figure.legend(handles=patches, loc="outside lower center", ncols=5, fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may have dollar signs


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as scratch:
        figure.savefig(scratch, metadata={"Software": None})
