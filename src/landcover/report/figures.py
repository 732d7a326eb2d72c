"""The figure of the samples, and the parts that figures share: legends and saving."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.code_table import CodeTable
from landcover.classes.colours import Colour
from landcover.images.image_files import read_packed
from landcover.images.pairs import Sample
from landcover.rasters.images import read_valid_mask
from landcover.rasters.masks import MaskFormat
from landcover.report.composites import draw_composite
from landcover.system.files import replacing

RIGHT, WRONG = (198, 219, 196), (203, 45, 45)
"""Colours of pixels that are predicted right and wrong; those of unknown truth or without data have that of unknown."""

DPI = 100  # pixels per inch of a figure's size


@dataclass(frozen=True)
class Comparison:
    """A row of the figure: a sample, the mask predicted for it, and the title beside them."""

    title: str
    sample: Sample
    prediction: Path


@dataclass(frozen=True)
class Panels:
    """A row of the figure, in memory.

    Attributes:
        title: Beside the row.
        image: uint8 RGB (H, W, 3).
        bands: What the image shows if not true colours, in words.
        truth, predicted: Labels, uint8 (H, W).
        scored: The truth that is scored, uint8 (H, W): unknown where the image has no data.
    """

    title: str
    image: np.ndarray
    bands: str
    truth: np.ndarray
    predicted: np.ndarray
    scored: np.ndarray


def draw_samples(
    comparisons: Sequence[Comparison],
    classes: ClassTable,
    path: Path | str,
    bands: Sequence[int | str] | None = None,
    codes: CodeTable | None = None,
) -> None:
    """Write a PNG with one row of panels per comparison: image, truth, prediction, right and wrong pixels.

    Args:
        comparisons: At least one.
        classes: Those of the masks.
        path: Of the PNG.
        bands: Of the images; see `composites.draw_composite`. What is shown in other colours than true ones is said
            above them.
        codes: Of the classes, if the true masks have codes instead of colours.
    """
    masks = MaskFormat(classes, codes)
    draw_panels([_read(comparison, masks, bands) for comparison in comparisons], classes, path)


def draw_panels(panels: Sequence[Panels], classes: ClassTable, path: Path | str) -> None:
    """Write the PNG of `draw_samples` from what is in memory: at least one row."""
    rows = len(panels)
    figure = Figure(figsize=(10.4, 2.45 * rows + 0.75), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, 4, squeeze=False)
    headings = ["image", "truth", "prediction", "right or wrong"]
    for row, shown in zip(axes, panels, strict=True):
        row[0].set_ylabel(shown.title, fontsize=9, parse_math=False)
        if shown.bands:
            headings[0] = f"image: {shown.bands}"
        drawn = (
            shown.image,
            classes.encode(shown.truth),
            classes.encode(shown.predicted),
            _verdict(shown.scored, shown.predicted, classes),
        )
        for axis, panel in zip(row, drawn, strict=True):
            axis.imshow(panel, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
    for axis, heading in zip(axes[0], headings, strict=True):
        axis.set_title(heading, fontsize=11, parse_math=False)
    add_legend(figure, [*class_patches(classes), _patch(RIGHT, "right"), _patch(WRONG, "wrong")])
    save_figure(figure, path)


def _read(comparison: Comparison, masks: MaskFormat, bands: Sequence[int | str] | None) -> Panels:
    truth, _ = masks.read(comparison.sample.mask)
    predicted, _ = masks.classes.decode(read_packed(comparison.prediction))
    valid = read_valid_mask(comparison.sample.image, bands)
    scored = truth if valid is None else np.where(valid, truth, np.uint8(UNKNOWN))
    image, shown = draw_composite(comparison.sample.image, bands)
    return Panels(comparison.title, image, shown, truth, predicted, scored)


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
