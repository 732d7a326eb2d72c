"""Time and memory with 4 and 16 times as many images, against those with as few as 16.

Each step runs in its own process; time is that of the work without the imports, memory is the process's own without
mapped files. An epoch of training has a fixed number of steps, whatever the data set: its time should not grow at all.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.harness import Memory, Row, Timing, in_process
from benchmarks.images import CLASSES, write_pairs
from landcover.system.memory import keep_memory

COUNTS = (16, 64, 256)
ROUNDS = 3
MADE = {"prepare": ["tiles"], "train": [], "predict": ["first", "masks"], "evaluate": []}
"""By step, the folders that it makes."""
NOTE = """\
Ratios of time are by image, but for training, where they are of the epoch. A few images more or less are in flight
while all cores work, and allocators keep what they once had: memory creeps up to a constant before it stays flat."""


def measure(scratch: Path) -> Iterator[Row]:
    """Two rows for each step and number of images."""
    folders = {count: scratch / str(count) for count in COUNTS}
    for count, folder in folders.items():
        write_pairs(folder / "pairs", count)
    for step in MADE:
        results = {count: [] for count in COUNTS}
        for _ in range(ROUNDS):
            for count, folder in folders.items():
                for made in MADE[step]:
                    shutil.rmtree(folder / made, ignore_errors=True)
                results[count].append(in_process("growth", step, folder))
        seconds = {count: Timing([each["seconds"] for each in results[count]]) for count in COUNTS}
        peak = {count: median(each["peak"] for each in results[count]) for count in COUNTS}
        least, *more = COUNTS
        for count in more:
            times = 1 if step == "train" else count / least
            ratio = seconds[count].median / seconds[least].median / times
            yield Row(f"{step}, {count} images, time", str(seconds[count]), str(seconds[least]), ratio, "<= 1.1")
            ratio = peak[count] / peak[least]
            yield Row(
                f"{step}, {count} images, memory", f"{peak[count]:.0f} MB", f"{peak[least]:.0f} MB", ratio, "<= 1.1"
            )


def _work(step: str, folder: Path):
    """What to measure."""
    import torch

    from benchmarks.networks import labelling_model, network, prepared, steps_of_the_stage
    from landcover.data.tiles import Tiles
    from landcover.images.pairs import find_samples
    from landcover.inference.mask_files import predict_masks
    from landcover.inference.prediction import for_inference
    from landcover.scoring.scores import score_masks

    if step == "prepare":
        return lambda: prepared(folder / "pairs", folder / "tiles", 256)
    if step == "train":
        tiles = Tiles.open(folder / "tiles", CLASSES)
        net = network("fcn1s", "mobilenet_v3_large")
        one = Tiles(tiles.images[:1], tiles.labels[:1], tiles.table[:1])
        task = steps_of_the_stage(net, tiles, one, size=96, batch_size=16, steps=20)
        task()  # what is done once
        return task
    if step == "predict":
        model = for_inference(labelling_model("fcn1s", "mobilenet_v3_large"), torch.device("cpu"))
        images = {sample.name: sample.image for sample in find_samples(folder / "pairs")}
        predict_masks(model, dict(list(images.items())[:8]), folder / "first", quiet=True)
        return lambda: predict_masks(model, images, folder / "masks", quiet=True)
    return lambda: score_masks(folder / "pairs", folder / "masks", CLASSES)


if __name__ == "__main__":
    keep_memory()
    task = _work(sys.argv[1], Path(sys.argv[2]))
    with Memory() as memory:
        start = time.perf_counter()
        task()
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": memory.peak}))
