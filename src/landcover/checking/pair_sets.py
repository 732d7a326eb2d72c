"""Data sets of pairs of images and masks: which layout they have, and what is in them."""

import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TypeVar

from landcover.checking.bands import Raster, describe_bands, raster_of, sizes
from landcover.checking.findings import Findings
from landcover.checking.masks import survey
from landcover.classes.class_entries import ClassEntry
from landcover.images.layouts import SUFFIXES, PairLayout
from landcover.images.pairs import IMAGE_SUFFIXES, MASK_SUFFIXES, Sample, check_same_size, find_pairs
from landcover.rasters.access import open_dataset
from landcover.system.errors import LandcoverError, Problems

READ = 60
"""How many pairs of a data set are read."""

_FOLDS = 5  # one in so many images validates
_IMAGE_ENDINGS = ("_sat", "", "_image", "_img", "_rgb")
_MASK_ENDINGS = ("_mask", "", "_label", "_labels", "_masks", "_gt")

Item = TypeVar("Item")


def split_folders(root: Path) -> dict[str, Path]:
    """The folders of the splits train and validation; one folder for both where there are none such."""
    found = {"train": root / "train", "validation": root / "validation"}
    if (root / "val").is_dir() and not found["validation"].is_dir():
        found["validation"] = root / "val"
    found = {split: folder for split, folder in found.items() if folder.is_dir()}
    return found if "train" in found else {"all": root}


def find_layout(root: Path, named: str | None = None) -> PairLayout | None:
    """The layout with most pairs in the folders of the splits; None if no names of files are those of one.

    Args:
        root: Of the data set.
        named: Folders or pairs, if only that layout counts.
    """
    best, most = None, 0
    names = {folders: _stems(root, folders) for folders in (True, False)}
    for folders, endings in product((True, False), product(_IMAGE_ENDINGS, _MASK_ENDINGS)):
        if named in (None, "folders" if folders else "pairs") and (folders or endings[0] != endings[1]):
            images, masks = (
                {stem.removesuffix(ending) for stem in stems if stem.endswith(ending)}
                for stems, ending in zip(names[folders], endings, strict=True)
            )
            if len(images & masks) > most:
                best, most = PairLayout(folders, endings), len(images & masks)
    if best:
        return best
    # Names that show what was meant although nothing fits together: the problems then say why.
    if named != "pairs" and all(names[True]):
        return PairLayout(True, SUFFIXES["folders"])
    if named != "folders" and any(stem.endswith("_mask") for stem in names[False][0]):
        return PairLayout()
    return None


def _stems(root: Path, folders: bool) -> tuple[set[str], set[str]]:
    """Folders and stems of all files that may be images, and of those that may be masks."""
    images: set[str] = set()
    masks: set[str] = set()
    for split in split_folders(root).values():
        for top, below, files in os.walk(split):
            below[:] = sorted(name for name in below if folders and not name.startswith((".", "__")))
            place, kind = os.path.split(os.path.relpath(top, split))
            if folders and kind not in ("images", "masks"):
                continue
            for name in files:
                file = Path(name)
                stem, extension = f"{split}/{place}/{file.stem}", file.suffix.lower()
                if extension in IMAGE_SUFFIXES and kind != "masks":
                    images.add(stem)
                if extension in MASK_SUFFIXES and kind != "images":
                    masks.add(stem)
                elif kind == "masks" and extension in IMAGE_SUFFIXES:
                    masks.add(f"{stem} in JPEG")
    return images, masks


def check_pairs(root: Path, layout: PairLayout, listed: Mapping[str, ClassEntry] | None, findings: Findings) -> None:
    """Say what pairs there are, with their bands and classes, and set the keys of the block."""
    name = "folders" if layout.folders else "pairs"
    findings.values["layout"] = name
    if layout.suffixes != SUFFIXES[name]:
        findings.values["suffixes"] = list(layout.suffixes)
    found: dict[str, list[Sample]] = {}
    problems = Problems()
    for split, folder in split_folders(root).items():
        with problems.collecting():
            found[split] = find_pairs(folder, problems, layout)
    findings.problems += problems.lines
    samples = [sample for part in found.values() for sample in part]
    patterns = f"{layout.pattern('image')} and {layout.pattern('mask')}"
    findings.facts["layout"] = f"{name}: {patterns}"
    findings.facts["pairs"] = {
        str(folder): f"{len(found.get(split, []))} pairs" for split, folder in split_folders(root).items()
    }
    _set_split(root, {split: len(part) for split, part in found.items()}, findings)
    if not samples:
        return
    chosen = spread(samples, READ)
    rasters = [raster for sample in chosen if (raster := _header(sample, findings))]
    if rasters:
        findings.facts["sizes"] = sizes(rasters)
        describe_bands(rasters, findings)
    survey([sample.mask for sample in chosen], listed, findings)
    if len(chosen) < len(samples):
        findings.facts["read"] = f"{len(chosen)} of {len(samples)} pairs, spread over all"


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Up to `count` items at equal distances."""
    if len(items) <= count:
        return list(items)
    return [items[i * len(items) // count] for i in range(count)]


def _header(sample: Sample, findings: Findings) -> Raster | None:
    try:
        with open_dataset(sample.image) as dataset:
            raster = raster_of(sample.image, dataset)
        with open_dataset(sample.mask) as dataset:
            check_same_size(sample.mask, dataset.shape, sample.image, raster.size)
    except LandcoverError as error:
        findings.problems += error.lines
        return None
    return raster


def _set_split(root: Path, counts: Mapping[str, int], findings: Findings) -> None:
    if {"train", "validation"} <= counts.keys():
        findings.values |= {"split": "folder", "holdout": 0}
        findings.facts["split"] = "by folder"
    else:
        count = sum(counts.values())
        holdout = max(2, min(_FOLDS, count))
        findings.values |= {"split": "scene", "holdout": holdout}
        findings.facts["split"] = f"none; one in {holdout} images may validate"
        if count == 1:
            findings.problems.append(f"{root}: only one pair, none is left to validate with. Cut it into several.")
    if (root / "test").is_dir():
        findings.notes.append(f"{root / 'test'}: not used by the pipeline")
