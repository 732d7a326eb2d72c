"""Steps per second of the stage `train` against a bare loop of the same network, loss and optimiser.

The bare loop has one batch in memory as the network wants it: the limit. The stage crops, flips, turns and colours each
batch anew, clips gradients, averages weights and checks that all is finite.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row, in_turns
from benchmarks.images import write_pairs
from benchmarks.networks import bare_steps, network, prepared, steps_of_the_stage

CASES = {("fcn8s", "mobilenet_v2"): (192, 8, 6), ("fcn8s", "vgg16_bn"): (128, 8, 2)}


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each network."""
    write_pairs(scratch / "pairs", 16)
    write_pairs(scratch / "one", 1, side=32)
    tiles, one = prepared(scratch / "pairs", scratch / "tiles"), prepared(scratch / "one", scratch / "tile", 32)
    for (model, backbone), (size, batch_size, steps) in CASES.items():
        shape = {"size": size, "batch_size": batch_size, "steps": steps}
        tasks = {
            "ours": steps_of_the_stage(network(model, backbone), tiles, one, freeze_batch_norm=False, **shape),
            "bare": bare_steps(network(model, backbone), **shape),
        }
        times = in_turns(tasks, rounds=7)
        yield Row(
            f"{model} on {backbone}, {batch_size} crops of {size}, {steps} steps",
            str(times["ours"]),
            str(times["bare"]),
            times["bare"].median / times["ours"].median,
            ">= 0.95",
        )
