"""Small real data sets for the tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landcover.classes import ClassTable

TABLE = ClassTable(
    {"urban": (0, 255, 255), "forest": (0, 255, 0), "water": (0, 0, 255)},
    ignore=("unknown", (0, 0, 0)),
)


@pytest.fixture
def classes() -> ClassTable:
    return TABLE


def draw_pair(folder: Path, name: str, height: int, width: int, seed: int = 0, table: ClassTable = TABLE) -> np.ndarray:
    """Write NAME_sat.png, in which colour tells the class but for some noise, and NAME_mask.png; return the labels."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = rng.integers(len(table), size=(height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    labels = coarse.repeat(8, 0).repeat(8, 1)[:height, :width]
    colours = np.linspace((60, 200, 30), (200, 40, 220), len(table))
    image = (colours[labels] + rng.normal(0, 12, (height, width, 3))).clip(0, 255).astype(np.uint8)
    Image.fromarray(image).save(folder / f"{name}_sat.png")
    Image.fromarray(table.encode(labels)).save(folder / f"{name}_mask.png")
    return labels


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A folder of three pairs of unlike sizes."""
    for i, (height, width) in enumerate([(40, 40), (33, 57), (70, 21)]):
        draw_pair(tmp_path / "pairs", f"{i:04d}", height, width, seed=i)
    return tmp_path / "pairs"
