"""Training and labelling rates of networks on any device: the parts of `benchmarks.gpu` within its process."""

import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from benchmarks.harness import machine
from benchmarks.networks import bare_steps, labelling_model, network, steps_of_the_stage
from landcover.data.tiles import Tiles
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import for_inference, label_image
from landcover.models.model_file import Model
from landcover.models.networks import Network
from landcover.system.devices import make_repeatable
from landcover.training import trainer
from landcover.training.prefetching import read_ahead

NETWORKS = {
    ("fcn1s", "tf_efficientnet_lite0"): (96, 16),  # the default, and its crops and batches
    ("deeplabv3plus", "tf_efficientnet_lite2"): (224, 32),  # these as experiments.sh quarter-gpu trains them
    ("upernet", "tf_efficientnet_lite2"): (224, 32),
    ("fcn8s", "tf_efficientnet_lite2"): (224, 32),
}
WAYS: tuple[dict[str, Any], ...] = (
    {"precision": "fp32", "workers": 0},
    {"precision": "fp32", "workers": 8},
    {"precision": "bf16", "workers": 0},
    {"precision": "bf16", "workers": 8},
    {"precision": "bf16", "workers": 8, "compile": True},
)
STEPS, LABELLED = 20, 16
FORWARD_PASSES = 4
TINY_SHAPE, TINY_STEPS, TINY_LABELLED, TINY_NETWORKS = (32, 4), 2, 2, 1


class Report:
    """Figures so far, in a file at any moment.

    Args:
        seconds: After which nothing new begins.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self._end = folder, time.monotonic() + seconds
        self.figures: dict[str, Any] = {"machine": machine(), "repetition": [], "training": [], "labelling": []}

    def add(self, part: str, figure: dict[str, Any]) -> None:
        """Write down and print a figure."""
        if isinstance(self.figures.get(part), list):
            self.figures[part].append(figure)
        else:
            self.figures[part] = figure
        print(part, json.dumps(figure), flush=True)
        (self.folder / "gpu.json").write_text(json.dumps(self.figures, indent=2) + "\n", encoding="utf-8")

    def attempt(self, part: str, about: dict[str, Any], measure: Callable[[], dict[str, Any]]) -> None:
        """Add what `measure` finds, or why it found nothing: the other figures count all the same."""
        start = time.monotonic()
        if start > self._end:
            return
        try:
            found = measure()
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"[:500]}
        self.add(part, about | found | {"took": round(time.monotonic() - start, 1)})
        gc.collect()


@dataclass(frozen=True)
class Bench:
    """What is measured in this process.

    Attributes:
        tiles: To train on.
        one: A single tiny tile, on which each epoch validates.
        networks: Of `NETWORKS`.
        tiny: Let all sizes be tiny.
    """

    report: Report
    device: torch.device
    tiles: Tiles
    one: Tiles
    networks: Sequence[tuple[str, str]]
    tiny: bool

    def repetition(self) -> None:
        """Whether the same steps give each network the same weights."""
        for model, backbone in self.networks:
            about = {"network": f"{model} on {backbone}"}
            self.report.attempt("repetition", about, partial(self._repeated, model, backbone))

    def _repeated(self, model: str, backbone: str) -> dict[str, Any]:
        nets = [network(model, backbone) for _ in range(2)]
        for net in nets:
            steps_of_the_stage(net, self.tiles, self.one, **self._shape(model, backbone) | {"steps": 2})()
        pairs = zip(*(net.state_dict().values() for net in nets), strict=True)
        return {"same": all(torch.equal(first, second) for first, second in pairs)}

    def training(self, *, compiled: bool) -> None:
        """Images per second of each network in each of the ways that are compiled, or are not."""
        ways = [way for way in WAYS if way.get("compile", False) == compiled]
        for model, backbone in self.networks:
            shape = self._shape(model, backbone)
            about = {"network": f"{model} on {backbone}", "crops": f"{shape['batch_size']} of {shape['size']}"}
            for way in WAYS[:1] if self.tiny else ways:
                new = partial(network, model, backbone)
                rate = partial(rate_of_stage, new, self.tiles, self.one, shape | way)
                self.report.attempt("training", about | way, rate)

    def bare(self) -> None:
        """Images per second of a loop around each network, to compare the stage with."""
        for model, backbone in self.networks:
            shape = self._shape(model, backbone)
            about = {"network": f"{model} on {backbone}", "crops": f"{shape['batch_size']} of {shape['size']}"}
            for precision in ("fp32",) if self.tiny else ("fp32", "bf16"):
                rate = partial(rate_of_bare_loop, partial(network, model, backbone), shape | {"precision": precision})
                self.report.attempt("training", about | {"precision": precision, "bare": True}, rate)

    def labelling(self) -> None:
        """Images per second that are in memory."""
        count, side = (TINY_LABELLED, 64) if self.tiny else (LABELLED, 512)
        images = list(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8))
        for model_name, backbone in self.networks:
            about = {"network": f"{model_name} on {backbone}"}
            model = for_inference(labelling_model(model_name, backbone), self.device)
            for tta in ("none", "d4"):
                rate = partial(rate_of_labelling, model, images, tta, self.device)
                self.report.attempt("labelling", about | {"precision": "fp32", "tta": tta}, rate)
            for precision in ("fp32",) if self.tiny else ("fp32", "bf16"):
                rate = partial(rate_of_forward_pass, model.network, side, precision, self.device)
                self.report.attempt("labelling", about | {"precision": precision, "forward pass": True}, rate)

    def _shape(self, model: str, backbone: str) -> dict[str, Any]:
        size, batch_size = TINY_SHAPE if self.tiny else NETWORKS[model, backbone]
        steps = TINY_STEPS if self.tiny else STEPS
        return {"size": size, "batch_size": batch_size, "steps": steps, "device": self.device}


def rate_of_bare_loop(new: Callable[[], Network], shape: dict[str, Any]) -> dict[str, Any]:
    """Images per second of a loop over one batch in memory, with the kernels that are fastest, repeatable or not."""
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    try:
        seconds = timed(bare_steps(new(), **shape), shape["device"])
    finally:
        make_repeatable()
    return {"images_per_second": round(shape["batch_size"] * shape["steps"] / seconds, 1)}


def rate_of_stage(new: Callable[[], Network], tiles: Tiles, validation: Tiles, shape: dict[str, Any]) -> dict[str, Any]:
    """Images per second of the stage's steps, and the share of the time (0..1) in which the next batch is awaited."""
    waited = 0.0

    def watched(*arguments: Any, **options: Any) -> Iterator[Any]:
        nonlocal waited
        batches = read_ahead(*arguments, **options)
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            waited += time.perf_counter() - start
            if batch is None:
                return
            yield batch

    with mock.patch.object(trainer, "read_ahead", watched):
        task = steps_of_the_stage(new(), tiles, validation, **shape)
        task()  # starts the readers, chooses and compiles kernels
        task()
        waited = 0.0
        seconds = timed(task, shape["device"], warm_up=False)
    images = shape["batch_size"] * shape["steps"]
    return {"images_per_second": round(images / seconds, 1), "waiting": round(waited / seconds, 3)}


def rate_of_labelling(model: Model, images: list[np.ndarray], tta: str, device: torch.device) -> dict[str, Any]:
    """Images per second, one after the other, as the stage and the command label them."""
    seconds = timed(lambda: [label_image(model, image, InferenceOptions(tta=tta)) for image in images], device)
    return {"images_per_second": round(len(images) / seconds, 1)}


def rate_of_forward_pass(net: Network, side: int, precision: str, device: torch.device) -> dict[str, Any]:
    """Images per second of the network alone, in batches of 8."""
    batch = torch.rand(8, 3, side, side, device=device).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def forward() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            for _ in range(FORWARD_PASSES):
                net(batch)

    return {"images_per_second": round(8 * FORWARD_PASSES / timed(forward, device), 1)}


def timed(task: Callable[[], object], device: torch.device, *, warm_up: bool = True) -> float:
    """Seconds of a task, to the end of what it set going on the GPU."""
    if warm_up:
        task()
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    task()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start
