"""What lies between preparing and training: tiles of one size at the working resolution, and what their labels mean.

A prepared folder holds `images.npy`, uint8 (N, T, T, 3) RGB; `labels.npy`, uint8 (N, T, T), class indices or `IGNORE`;
and `tiles.csv`, one row per tile: name of its sample, row and column of its upper left corner in the image at working
resolution, its height and width without padding, and its number of pixels of each class.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.classes.class_table import IGNORE, ClassTable
from landcover.classes.counting import byte_counts
from landcover.system.errors import LandcoverError, reason
from landcover.system.paths import check_readable


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
    def open(cls, folder: Path | str, classes: ClassTable) -> "Tiles":
        """Memory-map a folder that `landcover.data.preparation.prepare` wrote. All labels are read once and counted.

        Raises:
            LandcoverError: Its files are missing or damaged, or the labels are not those that the table counts.
        """
        folder = Path(folder)
        try:
            paths = [folder / name for name in ("images.npy", "labels.npy", "tiles.csv")]
            for path in paths:
                check_readable(path)
            arrays = [np.lib.format.open_memmap(path, mode="r") for path in paths[:2]]
            names = {"dtype": {"name": str}, "keep_default_na": False, "encoding_errors": "surrogateescape"}
            tiles = cls(*arrays, pd.read_csv(paths[2], **names))
            tiles._check(classes)
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise _damaged(folder, error) from error
        return tiles

    def _check(self, classes: ClassTable) -> None:
        """Raise a ValueError, or a KeyError for a column that is missing, where the parts do not fit together."""
        count, side = len(self.table), self.labels.shape[-1] if self.labels.ndim else 0
        if not count or self.labels.shape != (count, side, side) or self.images.shape != (count, side, side, 3):
            raise ValueError(f"arrays of {self.images.shape} and {self.labels.shape}, {count} rows")
        if {self.images.dtype, self.labels.dtype} != {np.dtype(np.uint8)}:
            raise ValueError(f"arrays of {self.images.dtype} and {self.labels.dtype}")
        extent, pixels = self.table[["height", "width"]].to_numpy(), self.class_pixels(classes)
        ignored = self.table[pixel_column(classes.ignore_name)].to_numpy()
        if {extent.dtype, pixels.dtype, ignored.dtype} != {np.dtype(np.int64)}:
            raise ValueError("words where numbers should be in tiles.csv")
        if extent.min() < 1 or extent.max() > side or (extent.prod(1) != pixels.sum(1) + ignored).any():
            raise ValueError("sizes in tiles.csv that cannot be")
        for labels, expected in zip(self.labels, pixels, strict=True):
            found = byte_counts(labels)
            if (found[: len(classes)] != expected).any() or found[IGNORE] != labels.size - expected.sum():
                raise ValueError("other labels than tiles.csv counts")

    def class_pixels(self, classes: ClassTable) -> np.ndarray:
        """Number of pixels of each class in each tile: int64 (N, C)."""
        return self.table[[pixel_column(name) for name in classes.names]].to_numpy()


@dataclass(frozen=True)
class Dataset:
    """What is common to the splits of a prepared data set.

    Attributes:
        classes: What the labels mean.
        scale: Working resolution over that of the images.
        root: Folder of the data set; its name alone where that is an absolute path.
        holdout: As `data.holdout` says, 0 or the n of which every n-th image of train/ validates.
        images: Their number by split.
        resolution: Metres of ground that a pixel of the images covers; None if that is not known.
    """

    classes: ClassTable
    scale: float
    root: str
    holdout: int
    images: Mapping[str, int]
    resolution: float | None = None


def write_dataset(folder: Path | str, dataset: Dataset) -> None:
    """Write `folder/dataset.json`, which describes the splits beside it."""
    fields = {name: getattr(dataset, name) for name in ("scale", "root", "holdout", "images", "resolution")}
    content = json.dumps({**dataset.classes.to_json(), **fields}, indent=2, ensure_ascii=False)
    Path(folder, "dataset.json").write_text(content + "\n", encoding="utf-8")


def read_dataset(folder: Path | str) -> Dataset:
    """What `write_dataset` wrote.

    Raises:
        LandcoverError: The file is missing or damaged.
    """
    path = Path(folder, "dataset.json")
    try:
        check_readable(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        scale, root, holdout, images, resolution = (
            content[name] for name in ("scale", "root", "holdout", "images", "resolution")
        )
        if not 0 < scale <= 1:
            raise ValueError(f"scale {scale:.60g}")
        if resolution is not None and not 0 < resolution < math.inf:
            raise ValueError(f"resolution {resolution:.60g}")
        counts = {split: images[split] for split in ("train", "validation")}
        if type(root) is not str or not all(type(count) is int and count >= 0 for count in (holdout, *counts.values())):
            raise ValueError("root, holdout or images cannot be")
        return Dataset(ClassTable.from_json(content), scale, root, holdout, counts, resolution)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, LandcoverError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> LandcoverError:
    return LandcoverError(f"{path}: missing or damaged ({reason(error)}). Make it anew: python -m stages.prepare")


def pixel_column(class_name: str) -> str:
    """Name of the column of `tiles.csv` that counts the pixels of a class."""
    return f"pixels_{class_name}"
