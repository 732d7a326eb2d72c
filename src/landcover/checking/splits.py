"""A split of scenes for which training and validation both get labels."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from rasterio.windows import Window

from landcover.checking.findings import Findings
from landcover.classes.class_table import byte_counts
from landcover.data.splitting import TRAIN, VALIDATION, split_by_block, split_by_scene
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError

_CELLS = (40, 80, 160, 320)  # blocks of the labelled ground that are tried
_HOLDOUTS = (4, 3, 5, 2)
_ROUND = (1, 2, 5, 10)
_LEAST = 32  # pixels: the side of a block that still holds a part of a crop


def choose_split(
    labels: Mapping[Scene, tuple[Grid, np.ndarray]], classes: int, pixel: float, findings: Findings
) -> None:
    """Set the keys of the split: blocks of the ground such that most classes are on both sides.

    Args:
        labels: Of each scene a coarse grid and the labels on it, uint8 (H, W).
        classes: Their number.
        pixel: Metres of a pixel of the scenes themselves: blocks are at least 32 times as wide.
        findings: Gets the keys, and a problem if no split leaves labels on both sides.
    """
    best, choice = (0, 0.0), None
    ground = sum(_labelled_ground(grid, found, classes) for grid, found in labels.values())
    wanted = min(classes, int(np.any([byte_counts(found)[:classes] for _, found in labels.values()], axis=0).sum()))
    for block in _blocks(ground, _LEAST * pixel):
        for holdout in _HOLDOUTS:
            counts = _counts(labels, classes, block, holdout)
            both = int(((counts[TRAIN] > 0) & (counts[VALIDATION] > 0)).sum())
            share = counts[VALIDATION].sum() / max(1, counts.sum())
            quality = both, -abs(share - 0.25)
            if both and (choice is None or quality > best):
                best, choice = quality, (block, holdout, share)
        if choice and best[0] == wanted and abs(choice[2] - 0.25) < 0.15:
            break
    if choice:
        block, holdout, share = choice
        findings.values |= {"split": "block", "block": block, "holdout": holdout}
        findings.facts["split"] = (
            f"none; if one in {holdout} blocks of {block:,.0f} m validates: {share:.0%} of the labels, "
            f"{best[0]} of {wanted} classes on both sides"
        )
        return
    try:
        split_by_scene(list(labels), 2)
    except LandcoverError:
        findings.problems.append("labels: too few to train and to validate on different ground. Label more places.")
    findings.values |= {"split": "scene", "holdout": 2}


def _labelled_ground(grid: Grid, labels: np.ndarray, classes: int) -> float:
    """Square metres around the labels: of the box of those of a scene."""
    rows, columns = np.nonzero(labels < classes)
    if not rows.size:
        return 0.0
    box = Window(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    part = grid.part(box)
    return float(np.broadcast_to(part.areas(), (part.height, part.width)).sum())


def _blocks(ground: float, least: float) -> Iterator[float]:
    """Sides of blocks in metres, round numbers, from large to small."""
    tried = set()
    for cells in _CELLS:
        side = max(math.sqrt(ground / cells), least, 1.0)
        power = 10.0 ** math.floor(math.log10(side))
        block = max(factor * power for factor in _ROUND if factor * power <= side)
        if block < least:
            block = min(factor * power for factor in _ROUND if factor * power >= least)
        if block not in tried:
            tried.add(block)
            yield block


def _counts(labels: Mapping[Scene, tuple[Grid, np.ndarray]], classes: int, block: float, holdout: int) -> np.ndarray:
    """Number of labelled pixels by side and class: (2, C)."""
    split = split_by_block(block, holdout, 0.0)
    counts = np.zeros((2, classes), np.int64)
    for scene, (grid, found) in labels.items():
        sides = split.sides(scene, grid, Window(0, 0, grid.width, grid.height))
        for side in (TRAIN, VALIDATION):
            counts[side] += byte_counts(found[sides == side])[:classes]
    return counts
