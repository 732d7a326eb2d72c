"""Time and memory with 4 and 16 times as many images, against those with as few as 16.

Each step runs in its own process; time is that of the work without the imports, memory is the process's own without
mapped files. An epoch of training has a fixed number of steps, whatever the data set: its time should not grow at all.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Memory, Row, in_process
from benchmarks.images import CLASSES, write_pairs
from landcover.system.memory import keep_memory

COUNTS = (16, 64, 256)
STEPS = ("prepare", "train", "predict", "evaluate")
NOTE = """\
Ratios of time are by image, but for training, where they are of the epoch. A few images more or less are in flight
while all cores work, and allocators keep what they once had: memory creeps up to a constant before it stays flat."""


def measure(scratch: Path) -> Iterator[Row]:
    """Two rows for each step and number of images."""
    folders = {count: scratch / str(count) for count in COUNTS}
    for count, folder in folders.items():
        write_pairs(folder / "pairs", count)
    for step in STEPS:
        results = {count: in_process("growth", step, folder) for count, folder in folders.items()}
        least = results[COUNTS[0]]
        for count in COUNTS[1:]:
            times = 1 if step == "train" else count / COUNTS[0]
            ours = results[count]
            yield Row(
                f"{step}, {count} images, time",
                f"{ours['seconds']:.2f} s",
                f"{least['seconds']:.2f} s",
                ours["seconds"] / least["seconds"] / times,
                "<= 1.1",
            )
            yield Row(
                f"{step}, {count} images, memory",
                f"{ours['peak']:.0f} MB",
                f"{least['peak']:.0f} MB",
                ours["peak"] / least["peak"],
                "<= 1.1",
            )


def _work(step: str, folder: Path):
    """What to measure."""
    import torch

    from benchmarks.networks import labelling_model, network, prepared, steps_of_the_stage
    from landcover.data.tiles import Tiles
    from landcover.images.pairs import find_samples
    from landcover.inference.prediction import for_inference, predict_masks
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
