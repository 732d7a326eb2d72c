"""A training epoch against the ordinary way: a DataLoader that decodes JPEG and colour mask anew, NCHW, Adam.

Both take the same number of steps with the same network, on crops of 512x512 images. The last network is that of the
program of 2019, which worked in the ordinary way.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row, in_turns
from benchmarks.images import write_pairs
from benchmarks.networks import network, ordinary_steps, prepared, steps_of_the_stage

CASES = {
    ("fcn8s", "mobilenet_v2"): (192, 8, 8, ">= 1.8"),
    ("fcn8s", "mobilenet_v3_large"): (192, 8, 8, ">= 1.8"),
    ("fcn8s", "vgg16_bn"): (128, 8, 2, ">= 1"),
    ("fcn8s_deconv5", "vgg16_bn"): (128, 8, 2, ">= 1"),
}


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each network."""
    images = write_pairs(scratch / "pairs", 64)
    write_pairs(scratch / "one", 1, side=32)
    tiles, one = prepared(scratch / "pairs", scratch / "tiles"), prepared(scratch / "one", scratch / "tile", 32)
    for (model, backbone), (size, batch_size, steps, target) in CASES.items():
        shape = {"size": size, "batch_size": batch_size, "steps": steps}
        tasks = {
            "ours": steps_of_the_stage(network(model, backbone), tiles, one, freeze_batch_norm=False, **shape),
            "ordinary": ordinary_steps(network(model, backbone), images, **shape),
        }
        times = in_turns(tasks, rounds=5)
        yield Row(
            f"{model} on {backbone}, {steps} batches of {batch_size} crops of {size}",
            str(times["ours"]),
            str(times["ordinary"]),
            times["ordinary"].median / times["ours"].median,
            target,
        )
