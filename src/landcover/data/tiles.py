"""Prepared data sets, as they lie between preparation and training: tiles of one size at the working resolution.

The folder of a split holds `images.npy`, (N, T, T, B) of the images' own type; `labels.npy`, uint8 (N, T, T), class
indices or `UNKNOWN`; and `tiles.csv`, one row per tile: name of its sample, row and column of its upper left corner in
the image at working resolution, its height and width without padding, and its number of pixels of each class.
`dataset.json` beside the splits holds what they have in common.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.classes.class_table import UNKNOWN, ClassTable, byte_counts
from landcover.images.image_spec import NORMALISATIONS, RGB, ImageSpec
from landcover.system.errors import LandcoverError, reason
from landcover.system.paths import check_readable


@dataclass(frozen=True)
class Tiles:
    """A prepared split; its arrays are memory-mapped and read where they are indexed.

    Attributes:
        images: (N, T, T, B) of the images' own type, zero where padded; finite numbers everywhere.
        labels: uint8 (N, T, T), class indices; `UNKNOWN` where unknown or padded.
        table: N rows, the columns of `tiles.csv`.
    """

    images: np.ndarray
    labels: np.ndarray
    table: pd.DataFrame

    @classmethod
    def open(cls, folder: Path | str, classes: ClassTable, spec: ImageSpec = RGB) -> "Tiles":
        """Memory-map a folder that `landcover.data.preparation.prepare` wrote; read all labels once to check them.

        Args:
            folder: Of the split.
            classes: Of the labels.
            spec: What the images are.

        Raises:
            LandcoverError: Its files are missing or damaged, or the labels are not those that the table counts.
        """
        folder = Path(folder)
        try:
            images, labels, table = (folder / name for name in ("images.npy", "labels.npy", "tiles.csv"))
            for path in (images, labels, table):
                check_readable(path)
            tiles = cls(
                np.lib.format.open_memmap(images, mode="r"),
                np.lib.format.open_memmap(labels, mode="r"),
                pd.read_csv(table, dtype={"name": object}, keep_default_na=False, encoding_errors="surrogateescape"),
            )
            tiles._check(classes, spec)
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise _damaged(folder, error) from error
        return tiles

    def _check(self, classes: ClassTable, spec: ImageSpec) -> None:
        """Raise a ValueError, or a KeyError for a missing column, if the parts do not fit together."""
        count, side = len(self.table), self.labels.shape[-1] if self.labels.ndim else 0
        if not count or self.labels.shape != (count, side, side):
            raise ValueError(f"labels of {self.labels.shape}, {count} rows")
        if self.images.shape != (count, side, side, len(spec.bands)):
            raise ValueError(f"images of {self.images.shape}, {count} rows, {len(spec.bands)} bands")
        if (self.images.dtype, self.labels.dtype) != (np.dtype(spec.dtype), np.dtype(np.uint8)):
            raise ValueError(f"arrays of {self.images.dtype} and {self.labels.dtype}")
        extent, pixels = self.table[["height", "width"]].to_numpy(), self.class_pixels(classes)
        ignored = self.table[pixel_column(classes.ignore_name)].to_numpy()
        if {extent.dtype, pixels.dtype, ignored.dtype} != {np.dtype(np.int64)}:
            raise ValueError("text instead of numbers in tiles.csv")
        if extent.min() < 1 or extent.max() > side or (extent.prod(1) != pixels.sum(1) + ignored).any():
            raise ValueError("impossible sizes in tiles.csv")
        for labels, expected in zip(self.labels, pixels, strict=True):
            found = byte_counts(labels)
            if (found[: len(classes)] != expected).any() or found[UNKNOWN] != labels.size - expected.sum():
                raise ValueError("labels other than tiles.csv counts")

    def class_pixels(self, classes: ClassTable) -> np.ndarray:
        """Number of pixels of each class in each tile: int64 (N, C)."""
        return self.table[[pixel_column(name) for name in classes.names]].to_numpy()


@dataclass(frozen=True)
class Dataset:
    """What the splits of a prepared data set have in common.

    Attributes:
        classes: What the labels mean.
        scale: Working resolution over that of the images, above 0, at most 1.
        root: Folder of the data set; only its name if the path is absolute.
        split: What validates, as the parameters name it, as far as they apply: `layout`, `split`, `holdout`, `block`
            and `buffer`.
        images: Number of images, or of scenes with a tile, by split, `train` and `validation`.
        resolution: Metres of ground that a pixel of the images covers; None if unknown.
        measured: What the images are, with the statistics of the training tiles.
        normalisation: By which statistics networks normalise, one of `image_spec.NORMALISATIONS`.
    """

    classes: ClassTable
    scale: float
    root: str
    split: Mapping[str, str | int | float]
    images: Mapping[str, int]
    resolution: float | None = None
    measured: ImageSpec = RGB
    normalisation: str = "imagenet"

    @property
    def spec(self) -> ImageSpec:
        """What the images are, with the statistics by which networks normalise them."""
        return self.measured.normalised_by(self.normalisation)


def write_dataset(folder: Path | str, dataset: Dataset) -> None:
    """Write `folder/dataset.json`, which describes the splits beside it."""
    names = ("scale", "root", "split", "images", "resolution", "normalisation")
    fields = {name: getattr(dataset, name) for name in names}
    content = {**dataset.classes.to_json(), **fields, **dataset.measured.to_json()}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    Path(folder, "dataset.json").write_text(text + "\n", encoding="utf-8")


def read_dataset(folder: Path | str) -> Dataset:
    """Read what `write_dataset` wrote.

    Raises:
        LandcoverError: The file is missing or damaged.
    """
    path = Path(folder, "dataset.json")
    try:
        check_readable(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        scale, root, split, images, resolution, normalisation = (
            content[name] for name in ("scale", "root", "split", "images", "resolution", "normalisation")
        )
        if not 0 < scale <= 1:
            raise ValueError(f"scale {scale:.60g}")
        if resolution is not None and not 0 < resolution < math.inf:
            raise ValueError(f"resolution {resolution:.60g}")
        counts = {split: images[split] for split in ("train", "validation")}
        if type(root) is not str or not all(type(count) is int and count >= 0 for count in counts.values()):
            raise ValueError("impossible root or images")
        if not all(type(split[key]) is kind for key, kind in (("layout", str), ("split", str), ("holdout", int))):
            raise ValueError(f"split = {split!r:.60}")
        measured = ImageSpec.from_json(content)
        if normalisation not in NORMALISATIONS or (normalisation == "imagenet" and not measured.is_rgb):
            raise ValueError(f"normalisation = {normalisation!r:.60}")
        classes = ClassTable.from_json(content)
        return Dataset(classes, scale, root, split, counts, resolution, measured, normalisation)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, LandcoverError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> LandcoverError:
    return LandcoverError(f"{path}: missing or damaged ({reason(error)}). Make it again: python -m stages.prepare")


def pixel_column(class_name: str) -> str:
    """Name of the column of `tiles.csv` that counts the pixels of a class."""
    return f"pixels_{class_name}"
