"""Preparing a data set against nothing but decoding its files with Pillow on one thread, divided by the cores.

Below, over the same limit, its parts, each alone and with all cores, but writing; and nothing but decoding with all
cores, which share caches and memory. Then the files of each kind alone, over a limit of their own.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.harness import Row, Timing, in_turns
from benchmarks.images import CLASSES, write_pairs
from landcover.data.preparation import prepare
from landcover.data.source_images import read_header, read_image
from landcover.data.statistics import statistics_of
from landcover.data.tile_files import cut
from landcover.images.pairs import Sample, find_samples
from landcover.rasters.masks import MaskFormat
from landcover.system.parallel import parallel_map

COUNT = 200

NOTE = """\
Headers are read first, so that what does not fit is refused before anything is decoded. Two threads gain less on
statistics and cutting than on decoding, as many are short steps that need the interpreter's lock."""


def measure(scratch: Path) -> Iterator[Row]:
    """Rows for pairs of 512x512 pixels in tiles of 256."""
    write_pairs(scratch / "pairs", COUNT)
    arrays = np.ones((COUNT, 512, 512, 4), np.uint8)
    tiles, array = scratch / "tiles", scratch / "array"

    def ours() -> None:
        prepare(find_samples(scratch / "pairs"), CLASSES, tiles, tile=256, scale=1.0, max_off_palette=1.0)

    def tidy() -> None:
        shutil.rmtree(tiles, ignore_errors=True)
        array.unlink(missing_ok=True)

    samples, masks = find_samples(scratch / "pairs"), MaskFormat(CLASSES)

    def headers(sample: Sample) -> None:
        read_header(sample.image, None)
        masks.size(sample.mask)

    def read(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        return read_image(sample.image, None)[0], masks.read(sample.mask)[0]

    decoded = [read(sample) for sample in samples]
    tasks = {
        f"{COUNT} pairs of 512x512": ours,
        "of that, headers": lambda: for_each(headers, samples),
        "of that, decoding into images and labels": lambda: for_each(read, samples),
        "of that, statistics": lambda: for_each(lambda pair: statistics_of(pair[0], None, 0, 0.0), decoded),
        "of that, cutting into tiles": lambda: for_each(lambda pair: cut(*pair, 256, "", len(CLASSES)), decoded),
        "of that, writing": lambda: arrays.tofile(array),
        "decoding alone, with all cores": lambda: decode(scratch / "pairs", workers=None),
        "decoding": lambda: decode(scratch / "pairs"),
        "the images alone, JPEG, with all cores": lambda: decode(scratch / "pairs", "_sat", workers=None),
        "the images": lambda: decode(scratch / "pairs", "_sat"),
        "the masks alone, PNG, with all cores": lambda: decode(scratch / "pairs", "_mask", workers=None),
        "the masks": lambda: decode(scratch / "pairs", "_mask"),
    }
    times = in_turns(tasks, tidy=tidy)
    limits = {
        "the images alone, JPEG, with all cores": "the images",
        "the masks alone, PNG, with all cores": "the masks",
    }
    whole, *_ = tasks
    for case in tasks:
        if case != "decoding" and case not in limits.values():
            limit = times[limits.get(case, "decoding")]
            yield _row(case, times[case], limit, "<= 1.25" if case == whole else "")


def _row(case: str, time: Timing, single: Timing, target: str = "") -> Row:
    return Row(case, str(time), str(single), time.median / (single.median / (os.cpu_count() or 1)), target)


def decode(folder: Path, ending: str = "", workers: int | None = 1) -> None:
    """Decode all images of a folder whose names end so, with one thread or, None, with all cores."""
    for_each(_decode, sorted(folder.glob(f"*{ending}.*")), workers)


def for_each(function: Callable[[Any], object], items: Iterable[Any], workers: int | None = None) -> None:
    """Call a function with each item, with one thread or, None, with all cores."""
    for _ in parallel_map(function, items, workers):
        pass


def _decode(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").load()
