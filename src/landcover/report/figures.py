"""The figure of the samples, and the parts that figures share: legends and saving."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.colours import Colour
from landcover.images.image_files import read_packed
from landcover.images.pairs import Sample
from landcover.report.composites import draw_composite
from landcover.system.files import replacing

RIGHT, WRONG = (198, 219, 196), (203, 45, 45)
"""Colours of pixels that are predicted right and wrong; pixels of unknown truth keep the colour of unknown."""

DPI = 100  # pixels per inch of a figure's size


@dataclass(frozen=True)
class Comparison:
    """A row of the figure: a sample, the mask predicted for it, and the title beside them."""

    title: str
    sample: Sample
    prediction: Path


def draw_samples(
    comparisons: Sequence[Comparison],
    classes: ClassTable,
    path: Path | str,
    bands: Sequence[int | str] | None = None,
) -> None:
    """Write a PNG with one row of panels per comparison: image, truth, prediction, right and wrong pixels.

    Args:
        comparisons: At least one.
        classes: Those of the masks.
        path: Of the PNG.
        bands: Of the images; see `composites.draw_composite`. What is shown in other colours than true ones is said
            above them.
    """
    rows = len(comparisons)
    figure = Figure(figsize=(10.4, 2.45 * rows + 0.75), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, 4, squeeze=False)
    headings = ["image", "truth", "prediction", "right or wrong"]
    for row, comparison in zip(axes, comparisons, strict=True):
        row[0].set_ylabel(comparison.title, fontsize=9, parse_math=False)
        truth, _ = classes.decode(read_packed(comparison.sample.mask))
        predicted, _ = classes.decode(read_packed(comparison.prediction))
        image, bands_shown = draw_composite(comparison.sample.image, bands)
        if bands_shown:
            headings[0] = f"image: {bands_shown}"
        panels = (
            image,
            classes.encode(truth),
            classes.encode(predicted),
            _verdict(truth, predicted, classes),
        )
        for axis, panel in zip(row, panels, strict=True):
            axis.imshow(panel, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
    for axis, heading in zip(axes[0], headings, strict=True):
        axis.set_title(heading, fontsize=11, parse_math=False)
    add_legend(figure, [*class_patches(classes), _patch(RIGHT, "right"), _patch(WRONG, "wrong")])
    save_figure(figure, path)


def class_patches(classes: ClassTable) -> list[Patch]:
    """The entries of a legend for the classes, the ignored one last."""
    patches = [_patch(colour, name) for name, colour in classes.colours.items()]
    return [*patches, _patch(classes.ignore[1], classes.ignore[0])] if classes.ignore else patches


def add_legend(figure: Figure, patches: list[Patch]) -> None:
    """Put a legend below the panels of a figure."""
    legend = figure.legend(handles=patches, loc="outside lower center", ncols=5, fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may have dollar signs


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write a figure as a PNG, the same bytes whenever the figure is the same."""
    with replacing(path) as scratch:
        figure.savefig(scratch, metadata={"Software": None})


def _verdict(truth: np.ndarray, predicted: np.ndarray, classes: ClassTable) -> np.ndarray:
    """The panel of right and wrong pixels: uint8 RGB (H, W, 3), from labels uint8 (H, W)."""
    colours = np.where((truth == predicted)[..., None], np.array(RIGHT, np.uint8), np.array(WRONG, np.uint8))
    return np.where((truth == UNKNOWN)[..., None], classes.palette[UNKNOWN], colours)


def _patch(colour: Colour, label: str) -> Patch:
    red, green, blue = (value / 255 for value in colour)
    return Patch(facecolor=(red, green, blue), edgecolor="grey", label=label)
