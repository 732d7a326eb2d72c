"""What lies between preparing and training: tiles of one size at the working resolution, and what their labels mean.

A prepared folder holds `images.npy`, uint8 (N, T, T, 3) RGB; `labels.npy`, uint8 (N, T, T), class indices or `IGNORE`;
and `tiles.csv`, one row per tile: name of its sample, row and column of its upper left corner in the picture at working
resolution, its height and width without padding, and its number of pixels of each class.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.classes import ClassTable
from landcover.errors import LandcoverError, reason


@dataclass(frozen=True)
class Tiles:
    """A prepared folder, its arrays memory-mapped: nothing is read until it is indexed.

    Attributes:
        images: uint8 (N, T, T, 3), RGB, zero where padded.
        labels: uint8 (N, T, T), class indices; `IGNORE` where unknown or padded.
        table: N rows, the columns of `tiles.csv`.
    """

    images: np.ndarray
    labels: np.ndarray
    table: pd.DataFrame

    @classmethod
    def open(cls, folder: Path) -> "Tiles":
        """Memory-map a folder that `landcover.preparation.prepare` wrote.

        Raises:
            LandcoverError: Its files are missing, damaged, of unlike numbers of tiles, or there are no tiles.
        """
        try:
            images, labels = (np.load(folder / name, mmap_mode="r") for name in ("images.npy", "labels.npy"))
            table = pd.read_csv(folder / "tiles.csv", dtype={"name": str}, keep_default_na=False)
        except (OSError, ValueError, EOFError) as error:
            raise _damaged(folder, error) from error
        if not len(table) or labels.shape[:1] != (len(table),) or images.shape != (*labels.shape, 3):
            raise _damaged(folder, ValueError(f"arrays of {images.shape} and {labels.shape}, {len(table)} rows"))
        return cls(images, labels, table)

    def class_pixels(self, classes: ClassTable) -> np.ndarray:
        """Number of pixels of each class in each tile: int64 (N, C)."""
        return self.table[[pixel_column(name) for name in classes.names]].to_numpy()


def write_dataset(folder: Path, classes: ClassTable, scale: float) -> None:
    """Write `folder/dataset.json`: what the labels of the splits beside it mean, and at what resolution they are."""
    content = json.dumps({**classes.to_json(), "scale": scale}, indent=2, ensure_ascii=False)
    (folder / "dataset.json").write_text(content + "\n", encoding="utf-8")


def read_dataset(folder: Path) -> tuple[ClassTable, float]:
    """The classes and the scale that `write_dataset` wrote.

    Raises:
        LandcoverError: The file is missing or damaged.
    """
    path = folder / "dataset.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return ClassTable.from_json(content), content["scale"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, LandcoverError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> LandcoverError:
    return LandcoverError(f"{path}: missing or damaged ({reason(error)}). Make it anew: python -m stages.prepare")


def pixel_column(class_name: str) -> str:
    """Name of the column of `tiles.csv` that counts the pixels of a class."""
    return f"pixels_{class_name}"
