"""Preparing a data set against nothing but decoding its files with Pillow on one thread, divided by the cores."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from PIL import Image

from benchmarks.harness import Row, in_turns
from benchmarks.pictures import CLASSES, write_pairs
from landcover.preparation import prepare
from landcover.samples import find_samples

COUNT = 200


def measure(scratch: Path) -> Iterator[Row]:
    """A row for pairs of 512x512 pixels in tiles of 256."""
    write_pairs(scratch / "pairs", COUNT)

    rounds = count()

    def ours() -> None:
        samples = find_samples(scratch / "pairs")
        prepare(samples, CLASSES, scratch / f"tiles{next(rounds)}", tile=256, scale=1.0, max_off_palette=1.0)

    times = in_turns({"ours": ours, "decoding": lambda: decode(scratch / "pairs")})
    limit = times["decoding"].median / (os.cpu_count() or 1)
    yield Row(
        f"{COUNT} pairs of 512x512", str(times["ours"]), str(times["decoding"]), times["ours"].median / limit, "<= 1.25"
    )


def decode(folder: Path, ending: str = "") -> None:
    """Decode all pictures of a folder whose names end so, with one thread."""
    for path in sorted(folder.glob(f"*{ending}.*")):
        with Image.open(path) as image:
            image.convert("RGB").load()
