"""Training steps of the stage against the ordinary training loops of torchgeo and segmentation_models_pytorch (smp).

All take as many steps with as many crops of 512x512 images, and batch norm learns in all. The peers' loops are those
of benchmarks/lightning_loops.py; each program runs in a process of its own, as its users start it: ours keeps memory.
Images are loaded by the process that trains, which is torchgeo's default, or by one for each core. Where a row says
"unet", each has its own: on mobilenet_v2, ours has 4.0 million parameters, that of smp and torchgeo 6.6 million, as its
last features are wider, and takes 1.2 times as many operations. Else the network is ours in both.

Needs requirements-bench.txt.
"""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from benchmarks.harness import Row
from benchmarks.images import write_pairs
from benchmarks.turns import processes_in_turns, take_turns
from landcover.system.errors import note

PACKAGES = ("lightning", "torchgeo")
IMAGES = {192: 40, 96: 80}
"""By side of the crops: so many that four fifths of them, torchgeo's share for training, are four batches."""
BATCH = {192: 8, 96: 16}
STEPS = 4
CASES = {  # network, side of the crops: peers, each with the network as it calls it, and whether each core loads images
    ("fcn8s on mobilenet_v2", 192): {
        "torchgeo": ("torchgeo", "fcn8s on mobilenet_v2", 0),
        "torchgeo, a loading process for each core": ("torchgeo", "fcn8s on mobilenet_v2", 1),
    },
    ("fcn1s on tf_efficientnet_lite0", 96): {"torchgeo": ("torchgeo", "fcn1s on tf_efficientnet_lite0", 0)},
    ("unet on mobilenet_v2", 192): {
        "torchgeo's unet": ("torchgeo", "mobilenet_v2", 0),
        "smp's unet": ("smp", "mobilenet_v2", 0),
    },
}


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each network and peer."""
    if missing := [name for name in PACKAGES if not find_spec(name)]:
        note(f"training_peers is skipped: no {' and no '.join(missing)}. pip install -r requirements-bench.txt")
        return
    from benchmarks.networks import prepared  # not above: threads are told how to wait before PyTorch is imported

    write_pairs(scratch / "one", 1, side=32)
    prepared(scratch / "one", scratch / "tile", 32)
    for count in IMAGES.values():
        write_pairs(scratch / str(count) / "pairs", count)
        prepared(scratch / str(count) / "pairs", scratch / str(count) / "tiles")
    for (net, size), peers in CASES.items():
        folder, batch_size = scratch / str(IMAGES[size]), BATCH[size]
        programs = {"ours": ("training_peers", folder / "tiles", scratch / "tile", net, size, batch_size)}
        for name, (loop, theirs, loading) in peers.items():
            workers = loading * (os.cpu_count() or 1)
            programs[name] = ("lightning_loops", loop, folder / "pairs", theirs, size, batch_size, workers)
        times = processes_in_turns(programs, rounds=3)
        for name in peers:
            case = f"{net}, {STEPS} batches of {batch_size} crops of {size}, {name}"
            yield Row(case, str(times["ours"]), str(times[name]), times[name].median / times["ours"].median)


if __name__ == "__main__":
    from landcover.system.memory import keep_memory
    from landcover.system.threads import wait_briefly

    keep_memory()
    wait_briefly()
    from benchmarks.images import CLASSES
    from benchmarks.networks import network, steps_of_the_stage
    from landcover.data.tiles import Tiles

    tiles, tile = (Tiles.open(Path(folder), CLASSES) for folder in sys.argv[1:3])
    net, size, batch_size = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    shape = {"size": size, "batch_size": batch_size, "steps": STEPS}
    take_turns(steps_of_the_stage(network(*net.split(" on ")), tiles, tile, **shape, freeze_batch_norm=False))
