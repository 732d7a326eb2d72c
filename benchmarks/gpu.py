"""What a GPU brings: whether it labels as the CPU does, images a second, and how long it waits for batches.

    python -m benchmarks.gpu [--data ROOT] [--scale SCALE] [--out FOLDER] [--seconds SECONDS] [--tiny]

Writes FOLDER/gpu.json after each figure and FOLDER/gpu.md in the end. What has not begun after SECONDS is left out.
Where there is no GPU, or with `--tiny`, it shows that all of it runs; DVC is not needed. In order:

- the stages on the data: the masks that one model draws on the GPU and on the CPU, and two trainings byte for byte;
- training by the stage: images a second, and the share of the time in which the next batch is awaited. Its steps end
  with a look at the loss, so that the GPU does nothing meanwhile. Beside it a bare loop over one batch in memory, not
  deterministic: the limit;
- labelling: images of 512x512 a second, as the stage does it image by image, and the forward pass in batches of 8.
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
from collections.abc import Callable, Iterator
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
STEPS, LABELLED = 20, 64
TINY_SHAPE, TINY_STEPS, TINY_LABELLED, TINY_NETWORKS = (32, 4), 2, 2, 1


class Report:
    """Figures so far, in a file at any moment.

    Args:
        seconds: After which nothing new begins.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self._end = folder, time.monotonic() + seconds
        self.figures: dict[str, Any] = {"machine": machine(), "training": [], "labelling": []}

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
        report.attempt("agreement", {}, lambda: agreement(project, tiny=options.tiny))
        report.attempt("repetition", {}, lambda: repetition(project))
        train(report, project, Path(scratch), device, compiled=False, tiny=options.tiny)
        label(report, device, tiny=options.tiny)
        train(report, project, Path(scratch), device, compiled=True, tiny=options.tiny)
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


def agreement(project: Path, *, tiny: bool) -> dict[str, Any]:
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


def repetition(project: Path) -> dict[str, Any]:
    """Whether the same training gives the same bytes."""
    models = []
    for _ in range(2):
        run_stages(project, "train", "train.epochs=1", "train.steps=5", "train.warmup=0")
        models.append((project / "models" / "model.safetensors").read_bytes())
    return {"same_bytes": models[0] == models[1]}


def train(report: Report, project: Path, scratch: Path, device: torch.device, *, compiled: bool, tiny: bool) -> None:
    """Images a second of each network in each of the ways that are compiled, or are not."""
    tiles = Tiles.open(project / "data" / "prepared" / "train", CLASSES)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    one = prepared(noise(folder / "one", 32), folder / "tile", 32)
    ways = [way for way in WAYS if way.get("compile", False) == compiled]
    ways = [way | {"workers": 0} for way in ways if way["precision"] == "fp32" and not compiled][:1] if tiny else ways
    steps = TINY_STEPS if tiny else STEPS
    for (model, backbone), (size, batch_size) in list(NETWORKS.items())[: TINY_NETWORKS if tiny else None]:
        size, batch_size = TINY_SHAPE if tiny else (size, batch_size)
        shape = {"size": size, "batch_size": batch_size, "steps": steps, "device": device}
        about = {"network": f"{model} on {backbone}", "crops": f"{batch_size} of {size}"}
        new = partial(network, model, backbone)
        for way in ways:
            report.attempt("training", about | way, partial(rate_of_stage, new, tiles, one, shape | way))
        for precision in () if compiled else ("fp32",) if tiny else ("fp32", "bf16"):
            about_bare = about | {"precision": precision, "bare": True}
            report.attempt("training", about_bare, partial(rate_of_bare_loop, new, shape | {"precision": precision}))


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


def label(report: Report, device: torch.device, *, tiny: bool) -> None:
    """Images a second, of 512x512, that are in memory."""
    rng = np.random.default_rng(0)
    count = TINY_LABELLED if tiny else LABELLED
    side = 64 if tiny else 512
    images = list(rng.integers(0, 256, (count, side, side, 3), np.uint8))
    for model_name, backbone in list(NETWORKS)[: TINY_NETWORKS if tiny else None]:
        about = {"network": f"{model_name} on {backbone}"}
        model = for_inference(labelling_model(model_name, backbone), device)
        for tta in ("none", "d4"):

            def one_by_one(tta: str = tta, model: Any = model) -> dict[str, Any]:
                seconds = timed(lambda: [label_image(model, image, tta) for image in images], device)
                return {"images_per_second": round(count / seconds, 1)}

            report.attempt("labelling", about | {"precision": "fp32", "tta": tta}, one_by_one)
        for precision in ("fp32",) if tiny else ("fp32", "bf16"):

            def in_batches(precision: str = precision, net: Any = model.network) -> dict[str, Any]:
                batch = torch.rand(8, 3, side, side, device=device).to(memory_format=torch.channels_last)

                @torch.inference_mode()
                def forward() -> None:
                    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                        for _ in range(max(1, count // 8)):
                            net(batch)

                return {"images_per_second": round(8 * max(1, count // 8) / timed(forward, device), 1)}

            report.attempt("labelling", about | {"precision": precision, "forward pass": True}, in_batches)


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
    lines += [f"- {part}: {json.dumps(figures[part])}" for part in ("agreement", "repetition") if part in figures]
    for part in ("training", "labelling"):
        rows = figures[part]
        keys = list(dict.fromkeys(key for row in rows for key in row))
        lines += ["", f"## {part}", "", f"| {' | '.join(keys)} |", "|---" * len(keys) + "|"]
        lines += [f"| {' | '.join(str(row.get(key, '')) for key in keys)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
