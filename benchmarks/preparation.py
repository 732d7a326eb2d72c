"""Preparing a data set against nothing but decoding its files with Pillow on one thread, divided by the cores.

Below, over the same limit, what no preparation can avoid: writing arrays as large as the tiles, and decoding with all
cores, which share caches and memory. Then the files of each kind alone, over a limit of their own.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.harness import Row, Timing, in_turns
from benchmarks.images import CLASSES, write_pairs
from landcover.data.preparation import prepare
from landcover.images.pairs import find_samples
from landcover.system.parallel import parallel_map

COUNT = 200

NOTE = """\
Over the limit are: the headers of all files, read first, so that what does not fit is refused before anything is
decoded; labels of colours, cutting, counting, statistics; and writing. Two threads gain less on these than on decoding
alone, as many are short steps that need the interpreter's lock."""


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

    tasks = {
        f"{COUNT} pairs of 512x512": ours,
        "of that, writing": lambda: arrays.tofile(array),
        "of that, decoding with all cores": lambda: decode(scratch / "pairs", workers=None),
        "decoding": lambda: decode(scratch / "pairs"),
        "the images alone, JPEG, with all cores": lambda: decode(scratch / "pairs", "_sat", workers=None),
        "the images": lambda: decode(scratch / "pairs", "_sat"),
        "the masks alone, PNG, with all cores": lambda: decode(scratch / "pairs", "_mask", workers=None),
        "the masks": lambda: decode(scratch / "pairs", "_mask"),
    }
    times = in_turns(tasks, tidy=tidy)
    names = list(tasks)
    for case in names[:3]:
        yield _row(case, times[case], times["decoding"], "<= 1.25" if case == names[0] else "")
    for case, limit in (names[4:6], names[6:]):
        yield _row(case, times[case], times[limit])


def _row(case: str, time: Timing, single: Timing, target: str = "") -> Row:
    return Row(case, str(time), str(single), time.median / (single.median / (os.cpu_count() or 1)), target)


def decode(folder: Path, ending: str = "", workers: int | None = 1) -> None:
    """Decode all images of a folder whose names end so, with one thread or, None, with all cores."""
    for _ in parallel_map(_decode, sorted(folder.glob(f"*{ending}.*")), workers):
        pass


def _decode(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").load()
