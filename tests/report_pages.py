"""Folders of images, truth and predictions that tests make pages of, and the pages."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from conftest import landcover
from PIL import Image

from landcover.classes.class_table import DEEPGLOBE, ClassTable

BLOCK = 8  # pixels: colours are constant within, so that a place on the screen is one colour whatever the rounding


class Arrays(NamedTuple):
    """What an image of the page is made of."""

    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    confidence: np.ndarray


def draw(height: int, width: int, seed: int, wrong: float, classes: ClassTable = DEEPGLOBE) -> Arrays:
    """Random blocks of labels: of the truth, of a prediction that is wrong in a share of them, and of how sure it is.

    One pixel of the truth in forty is unknown, and there the image is as bright as elsewhere.
    """
    rng = np.random.default_rng(seed)
    shape = (-(-height // BLOCK), -(-width // BLOCK))

    def full(blocks: np.ndarray) -> np.ndarray:
        return blocks.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width].copy()

    truth = rng.integers(len(classes), size=shape, dtype=np.uint8)
    other = ((truth + rng.integers(1, max(len(classes), 2), size=shape)) % len(classes)).astype(np.uint8)
    prediction = np.where(rng.random(shape) < wrong, other, truth)
    truth[rng.random(shape) < 1 / 40] = 255
    image = rng.integers(40, 220, size=(*shape, 3), dtype=np.uint8)
    return Arrays(full(image), full(truth), full(prediction), full(rng.integers(1, 256, size=shape, dtype=np.uint8)))


def save(folder: Path, drawn: Mapping[str, Arrays], classes: ClassTable = DEEPGLOBE) -> None:
    """Write images, masks and confidences into folders `images`, `truth` and `predictions`."""
    for name in ("images", "truth", "predictions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, arrays in drawn.items():
        Image.fromarray(arrays.image).save(folder / "images" / f"{name}_sat.png")
        Image.fromarray(classes.encode(arrays.truth)).save(folder / "truth" / f"{name}_mask.png")
        Image.fromarray(classes.encode(arrays.prediction)).save(folder / "predictions" / f"{name}_mask.png")
        Image.fromarray(arrays.confidence).save(folder / "predictions" / f"{name}_confidence.png")


def report(folder: Path, *options: object) -> Path:
    """Run `landcover report` on what `save` wrote, with other options if any are given; return the page."""
    options = options or ("-g", "truth", "-i", "images")
    done = landcover("report", "predictions", *options, "-o", "page.html", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "page.html"
