"""What a GPU brings: whether it labels as the CPU does, images a second, and how long it waits for batches.

    python -m benchmarks.gpu [PART ...] [--data ROOT] [--scale SCALE] [--out FOLDER] [--seconds SECONDS] [--tiny]

Writes FOLDER/gpu.json after each figure and FOLDER/gpu.md in the end. What has not begun after SECONDS is left out.
Where there is no GPU, or with `--tiny`, it shows that all of it runs; DVC is not needed. The parts, in order:

- agreement: of the masks that one model, trained by the stages, draws on the GPU and on the CPU;
- repetition: whether the same steps give the same weights, bit for bit;
- training: images a second of the stage's steps, and the share of the time in which the next batch is awaited; each
  step ends with a look at the loss, so that the GPU does nothing meanwhile. Beside it a bare loop over one batch in
  memory, not deterministic: the limit;
- labelling: images of 512x512 a second, as the stage does it image by image, and the forward pass in batches of 8;
- compiled: training again, by `train.compile`.
"""

import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image

from benchmarks.harness import ROOT, machine
from benchmarks.images import CLASSES
from benchmarks.networks import bare_steps, labelling_model, network, prepared, steps_of_the_stage
from landcover.data.tiles import Tiles
from landcover.inference.prediction import for_inference, label_image
from landcover.models.model_file import Model
from landcover.models.networks import Network
from landcover.system.devices import choose_device, make_repeatable
from landcover.training import trainer
from landcover.training.prefetching import read_ahead

NETWORKS = {
    ("fcn1s", "mobilenet_v3_large"): (96, 16),  # the default, and its crops and batches
    ("fcn8s", "vgg16"): (192, 32),
    ("fcn8s", "mobilenet_v2"): (192, 64),
    ("deeplabv3", "resnet50"): (192, 32),
}
WAYS = (
    {"precision": "fp32", "workers": 0},
    {"precision": "fp32", "workers": 8},
    {"precision": "bf16", "workers": 0},
    {"precision": "bf16", "workers": 8},
    {"precision": "fp32", "workers": 8, "compile": True},
    {"precision": "bf16", "workers": 8, "compile": True},
)
STEPS, LABELLED = 20, 16
PARTS = ("agreement", "repetition", "training", "labelling", "compiled")
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
        if time.monotonic() > self._end:
            return
        try:
            found = measure()
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"[:500]}
        self.add(part, about | found)
        gc.collect()


def main() -> None:
    """Measure."""
    parser = ArgumentParser("python -m benchmarks.gpu")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--data", type=Path, default=Path("data/bluemarble"))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    make_repeatable()
    report, device = Report(options.out, options.seconds), choose_device("auto")
    with tempfile.TemporaryDirectory(prefix="landcover-") as scratch:
        project = copied(Path(scratch) / "project", options.data, options.scale, options.tiny)
        networks = list(NETWORKS)[: TINY_NETWORKS if options.tiny else None]
        tiles = Tiles.open(project / "data" / "prepared" / "train", CLASSES)
        one = prepared(noise(Path(scratch) / "one", 32), Path(scratch) / "tile", 32)
        bench = Bench(report, device, tiles, one, networks, options.tiny)
        parts = {
            "agreement": lambda: report.attempt("agreement", {}, lambda: agreement(project)),
            "repetition": bench.repetition,
            "training": lambda: bench.training(compiled=False),
            "labelling": bench.labelling,
            "compiled": lambda: bench.training(compiled=True),
        }
        for part in options.parts or PARTS:
            parts[part]()
    (options.out / "gpu.md").write_text(markdown(report.figures), encoding="utf-8")


def copied(folder: Path, data: Path, scale: float, tiny: bool) -> Path:
    """A copy of what the stages need, its data prepared."""
    folder.mkdir()
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, folder)
    settings = [f"data.root={data.resolve()}", f"prepare.scale={scale}", "predict.tta=none", "train.log_every=0"]
    settings += ["train.workers=8", "train.epochs=3"]
    if tiny:
        settings += ["train.workers=0", "train.epochs=1", "train.steps=2", "train.batch_size=2", "train.warmup=0"]
    run_stages(folder, "prepare", *settings)
    return folder


def run_stages(project: Path, stage: str, *settings: str, **environment: str) -> None:
    """Run a stage as a process, as everyone does."""
    command = [sys.executable, "-m", "stages", stage, *(part for text in settings for part in ("-S", text))]
    subprocess.run(command, cwd=project, env=os.environ | environment, check=True)


def agreement(project: Path) -> dict[str, Any]:
    """Share of the pixels of all validation images that have the same class in masks of the GPU and of the CPU."""
    run_stages(project, "train")
    masks = {}
    for name, settings, environment in (
        ("gpu", ["predict.device=auto"], {}),
        ("gpu without TF32", ["predict.device=auto"], {"NVIDIA_TF32_OVERRIDE": "0"}),
        ("cpu", ["predict.device=cpu"], {}),
    ):
        start = time.perf_counter()
        run_stages(project, "predict", *settings, **environment)
        seconds = time.perf_counter() - start
        files = sorted((project / "data" / "predictions").iterdir())
        masks[name] = [np.asarray(Image.open(file).convert("RGB")) for file in files]
        print(f"predict, {name}: {seconds:.1f} s", flush=True)
    shares = {}
    for name in ("gpu", "gpu without TF32"):
        same = [(mine == other).all(-1) for mine, other in zip(masks[name], masks["cpu"], strict=True)]
        shares[name] = float(sum(part.sum() for part in same) / sum(part.size for part in same))
    return {"images": len(masks["cpu"]), "same": shares["gpu"], "same_without_tf32": shares["gpu without TF32"]}


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
        """Images a second of each network in each of the ways that are compiled, or are not."""
        ways = [way for way in WAYS if way.get("compile", False) == compiled]
        for model, backbone in self.networks:
            shape = self._shape(model, backbone)
            about = {"network": f"{model} on {backbone}", "crops": f"{shape['batch_size']} of {shape['size']}"}
            new = partial(network, model, backbone)
            for way in [WAYS[0] | {"compile": compiled}] if self.tiny else ways:
                self.report.attempt(
                    "training", about | way, partial(rate_of_stage, new, self.tiles, self.one, shape | way)
                )
            for precision in () if compiled else ("fp32",) if self.tiny else ("fp32", "bf16"):
                bare = {"precision": precision}
                self.report.attempt(
                    "training", about | bare | {"bare": True}, partial(rate_of_bare_loop, new, shape | bare)
                )

    def labelling(self) -> None:
        """Images a second that are in memory."""
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
    """Images a second of a loop over one batch in memory, with the kernels that are fastest, repeatable or not."""
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    try:
        seconds = timed(bare_steps(new(), **shape), shape["device"])
    finally:
        make_repeatable()
    return {"images_per_second": round(shape["batch_size"] * shape["steps"] / seconds, 1)}


def rate_of_stage(new: Callable[[], Network], tiles: Tiles, validation: Tiles, shape: dict[str, Any]) -> dict[str, Any]:
    """Images a second of the stage's steps, and the share of the time (0..1) in which the next batch is awaited."""
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
    """Images a second, one after the other, as the stage and the command label them."""
    seconds = timed(lambda: [label_image(model, image, tta) for image in images], device)
    return {"images_per_second": round(len(images) / seconds, 1)}


def rate_of_forward_pass(net: Network, side: int, precision: str, device: torch.device) -> dict[str, Any]:
    """Images a second of the network alone, in batches of 8."""
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


def noise(folder: Path, side: int) -> Path:
    """A folder with a pair of noise."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(folder / "a_sat.png")
    labels = rng.integers(0, len(CLASSES), (side, side), np.uint8)
    Image.fromarray(CLASSES.encode(labels)).save(folder / "a_mask.png")
    return folder


def markdown(figures: dict[str, Any]) -> str:
    """The figures as tables."""
    lines = ["# On a GPU", "", f"Written by `python -m benchmarks.gpu`. {figures['machine']}.", ""]
    if "agreement" in figures:
        lines.append(f"Agreement of GPU and CPU: {json.dumps(figures['agreement'])}")
    for part in ("repetition", "training", "labelling"):
        rows = figures[part]
        keys = list(dict.fromkeys(key for row in rows for key in row))
        lines += ["", f"## {part}", "", f"| {' | '.join(keys)} |", "|---" * len(keys) + "|"]
        lines += [f"| {' | '.join(str(row.get(key, '')) for key in keys)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
