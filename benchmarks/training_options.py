"""What other options of training on a CPU bring: steps of the same network, each against the default.

The peer is the stage with its defaults, `fcn1s` on mobilenet_v3_large, 16 crops of 96; a ratio above 1 is a gain.
Time to compile before the first step is not counted. All of them keep memory (`system.memory`); what that brings is
measured by processes that keep it and processes that do not.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from benchmarks.harness import Row, Timing, in_process, in_turns
from benchmarks.images import write_pairs
from benchmarks.networks import bare_steps, network, prepared, steps_of_the_stage
from landcover.system.memory import keep_memory

SHAPE = {"size": 96, "batch_size": 16, "steps": 10}
CASES = {("fcn1s", "mobilenet_v3_large"): 96, ("fcn8s", "mobilenet_v2"): 192, ("fcn8s", "vgg16_bn"): 64}


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each option."""
    write_pairs(scratch / "pairs", 16)
    write_pairs(scratch / "one", 1, side=32)
    tiles, one = prepared(scratch / "pairs", scratch / "tiles"), prepared(scratch / "one", scratch / "tile", 32)

    def stage(**changes: object):
        return steps_of_the_stage(network("fcn1s", "mobilenet_v3_large"), tiles, one, **SHAPE, **changes)

    tasks = {"the stage": stage(), "a bare loop, one batch in memory": _bare()}
    tasks["bare, NCHW instead of channels last"] = _bare(memory_format=torch.contiguous_format)
    tasks["bare, fused AdamW"] = _bare(fused=True)
    tasks["bare, AdamW one tensor after the other"] = _bare(foreach=False)
    tasks["bare, activations not in place"] = _bare(inplace=False)
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        tasks["train.precision=bf16"] = stage(precision="bf16")
    if shutil.which("g++"):
        tasks["train.compile=true"] = stage(compile=True)
    times = in_turns(tasks, rounds=7)
    for name, timing in times.items():
        peer = times["a bare loop, one batch in memory" if name.startswith("bare, ") else "the stage"]
        yield Row(name, str(timing), str(peer), peer.median / timing.median)
    for (model, backbone), size in CASES.items():
        rounds = [[in_process("training_options", model, backbone, size, keep) for keep in (1, 0)] for _ in range(3)]
        kept, given_back = (Timing([turn["seconds"] for turn in turns]) for turns in zip(*rounds, strict=True))
        what = f"memory kept, {model} on {backbone}, 16 crops of {size}"
        yield Row(what, str(kept), str(given_back), given_back.median / kept.median)


def _bare(*, memory_format: torch.memory_format = torch.channels_last, inplace: bool = True, **adamw: bool):
    net = network("fcn1s", "mobilenet_v3_large")
    for module in net.modules():
        if not inplace and isinstance(module, nn.ReLU | nn.Hardswish):
            module.inplace = False
    return bare_steps(net, **SHAPE, memory_format=memory_format, **adamw)


if __name__ == "__main__":
    model, backbone, size, keep = sys.argv[1:]
    if int(keep):
        keep_memory()
    steps = bare_steps(network(model, backbone), size=int(size), batch_size=16, steps=5)
    steps()
    start = time.perf_counter()
    steps()
    print(json.dumps({"seconds": time.perf_counter() - start}))
