"""One map of 12,000 x 12,000 pixels by workers of one thread each, against one process with all cores.

Needs rasterio and distributed, and the model of `dvc repro evaluate`. Whole commands, from start to exit:
`landcover predict --format cog` without and with `--workers`; without, and with two, twice, of which the faster counts.
The files are compared: all that workers made must be the same; against the single process, with its several threads,
rounding may decide the class of a few pixels.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.harness import ROOT, Row
from benchmarks.images import write_scene

SIDE = 12_000
MODEL = ROOT / "models" / "model.safetensors"
WORKERS = (1, 2, 4)
TURNS = (0, 2, 1, 4, 0, 2)
"""Numbers of workers, 0 for a single process, in the order in which they are timed."""


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each number of workers, then one for the pixels that differ."""
    scene, maps = scratch / "scene.tif", {}
    write_scene(scene, SIDE)
    seconds: dict[int, float] = {}
    for count in TURNS:
        maps[count] = scratch / f"map{count}.tif"
        maps[count].unlink(missing_ok=True)
        took = _seconds(scene, maps[count], ["--workers", str(count)] if count else [])
        seconds[count] = min(took, seconds.get(count, took))
    if len({_digest(maps[count]) for count in WORKERS}) > 1:
        raise AssertionError("maps depend on the number of workers")
    megapixels = SIDE**2 / 1e6
    alone = megapixels / seconds[0]
    for count in WORKERS:
        rate = megapixels / seconds[count]
        target = ">= 0.95" if count == os.cpu_count() == 2 else ""
        case = f"megapixels per second, {count} worker{'s' * (count > 1)}"
        yield Row(case, f"{rate:.2f}", f"{alone:.2f}", rate / alone, target)
    differing = _differing(maps[0], maps[WORKERS[0]])
    yield Row("pixels of another class than the single process's", f"{differing}", f"{SIDE**2}", differing / SIDE**2)


def _seconds(scene: Path, path: Path, options: Sequence[str]) -> float:
    command = [
        sys.executable,
        "-m",
        "landcover",
        "predict",
        scene,
        "-m",
        MODEL,
        "-o",
        path,
        "--format",
        "cog",
        "--quiet",
    ]
    start = time.perf_counter()
    subprocess.run([*map(str, command), *options], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differing(one: Path, other: Path) -> int:
    import rasterio

    with rasterio.open(one) as first, rasterio.open(other) as second:
        windows = (window for _, window in first.block_windows(1))
        return sum(int(np.count_nonzero(first.read(1, window=w) != second.read(1, window=w))) for w in windows)
