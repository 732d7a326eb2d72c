"""What other options of training on a CPU bring: steps of the same network, each against the default.

The peer is the stage with its defaults, but that batch norms learn, as in the bare loops, and 16 crops of 96; a ratio
above 1 is a gain. Below those with the first layers frozen, these layers alone: what caching their features for crops
on a fixed grid would save. "Constant batch norms" are folded into the convolutions: that is the most that fusing them
could bring. Time to compile before the first step is not counted; it is measured at the end, of a process that compiles
and of one that finds what was compiled. All of them keep memory (`system.memory`); what that brings is measured by
processes that keep it and processes that do not.
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
from landcover.models.folding import fold_batch_norm
from landcover.system.memory import keep_memory

NETWORK = "fcn1s", "tf_efficientnet_lite0"
"""The default."""

FROZEN = {4: 2, 8: 3}
"""Strides, and the number of blocks of its encoder up to each."""

SHAPE = {"size": 96, "batch_size": 16, "steps": 10}
CASES = {("fcn1s", "mobilenet_v3_large"): 96, ("fcn8s", "mobilenet_v2"): 192, ("fcn8s", "vgg16_bn"): 64}


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each option."""
    write_pairs(scratch / "pairs", 16)
    write_pairs(scratch / "one", 1, side=32)
    tiles, one = prepared(scratch / "pairs", scratch / "tiles"), prepared(scratch / "one", scratch / "tile", 32)

    def stage(**changes: object):
        return steps_of_the_stage(network(*NETWORK), tiles, one, **SHAPE, freeze_batch_norm=False, **changes)

    tasks = {"the stage": stage(), "a bare loop, one batch in memory": _bare()}
    tasks["bare, NCHW instead of channels last"] = _bare(memory_format=torch.contiguous_format)
    tasks["bare, fused AdamW"] = _bare(fused=True)
    tasks["bare, AdamW one tensor after the other"] = _bare(foreach=False)
    tasks["bare, activations not in place"] = _bare(inplace=False)
    tasks["bare, constant batch norms"] = _bare(folded=True)
    for stride, blocks in FROZEN.items():
        tasks[f"train.freeze_stride={stride}"] = stage(freeze_stride=stride)
        tasks[f"these layers alone, stride {stride}"] = _first_layers(blocks)
    for parts in (2, 4):
        tasks[f"train.accumulate={parts}"] = stage(accumulate=parts)
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
    if shutil.which("g++"):
        new, found = (Timing([_seconds_to_compile(scratch / "compiled")]) for _ in range(2))
        yield Row("first compiled step, found in the cache", str(found), str(new), new.median / found.median)


def _bare(
    *,
    memory_format: torch.memory_format = torch.channels_last,
    inplace: bool = True,
    folded: bool = False,
    **adamw: bool,
):
    net = network(*NETWORK)
    if folded:
        net = fold_batch_norm(net.eval())
    for module in net.modules():
        if not inplace and isinstance(module, nn.ReLU | nn.ReLU6):
            module.inplace = False
    return bare_steps(net, **SHAPE, memory_format=memory_format, **adamw)


def _first_layers(blocks: int):
    """A task of steps of the stem and the first blocks of the encoder alone, forward and without gradients."""
    encoder = network(*NETWORK).backbone.network
    layers = nn.Sequential(encoder.conv_stem, encoder.bn1, *encoder.blocks[:blocks])
    layers.to(memory_format=torch.channels_last)
    images = torch.rand(SHAPE["batch_size"], 3, SHAPE["size"], SHAPE["size"]).to(memory_format=torch.channels_last)

    def task() -> None:
        with torch.no_grad():
            for _ in range(SHAPE["steps"]):
                layers(images)

    return task


def _seconds_to_compile(cache: Path) -> float:
    """Seconds until the first compiled step of a process."""
    return in_process("training_options", "compile", TORCHINDUCTOR_CACHE_DIR=str(cache))["seconds"]


def first_compiled_step() -> float:
    """Seconds that the first step of a compiled network takes."""
    net = network(*NETWORK)
    net.compile()
    step = bare_steps(net, **{**SHAPE, "steps": 1})
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def steps_with_memory(model: str, backbone: str, size: str, keep: str) -> float:
    """Seconds that five steps take."""
    if int(keep):
        keep_memory()
    steps = bare_steps(network(model, backbone), size=int(size), batch_size=16, steps=5)
    steps()
    start = time.perf_counter()
    steps()
    return time.perf_counter() - start


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(json.dumps({"seconds": first_compiled_step() if arguments == ["compile"] else steps_with_memory(*arguments)}))
