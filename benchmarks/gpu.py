"""What a GPU brings: whether it labels as the CPU does, images per second, and how long it waits for batches.

    python -m benchmarks.gpu [PART ...] [--data ROOT] [--scale SCALE] [--model FILE] [--out FOLDER]
        [--seconds SECONDS] [--tiny]

Writes FOLDER/gpu.json after each figure and FOLDER/gpu.md in the end. What has not begun after SECONDS is left out.
With `--tiny` it shows that all of it runs, but for compiling, which takes minutes. DVC is not needed. The parts, in
order:

- agreement: of the masks that one model draws on the GPU and on the CPU: that of FILE, or one that the stages train
  from random weights; below 99.9 % of the pixels, the program ends with 1;
- repetition: whether the same steps give the same weights, bit for bit;
- training: images per second of the stage's steps, and the share of the time in which the next batch is awaited; each
  step ends with a look at the loss, so that the GPU does nothing meanwhile;
- labelling: images of 512x512 a second, as the stage does it image by image, and the forward pass in batches of 8;
- compiled: training again, by `train.compile`;
- bare: training as a loop over one batch in memory, free to choose kernels that do not repeat themselves: the limit.
  Trying them out takes most of its time.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.gpu_rates import NETWORKS, TINY_NETWORKS, Bench, Report
from benchmarks.harness import ROOT
from benchmarks.images import CLASSES
from benchmarks.networks import prepared
from landcover.data.tiles import Tiles
from landcover.system.devices import choose_device, make_repeatable
from stages.common.paths import MODEL

LEAST_AGREEMENT = 0.999
PARTS = ("agreement", "repetition", "training", "labelling", "compiled", "bare")


def main() -> None:
    """Measure."""
    parser = ArgumentParser("python -m benchmarks.gpu")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--data", type=Path, default=Path("data/bluemarble"))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--model", type=Path, help="a trained model, of the classes of ROOT")
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
            "agreement": lambda: report.attempt("agreement", {}, lambda: agreement(project, options.model)),
            "repetition": bench.repetition,
            "training": lambda: bench.training(compiled=False),
            "labelling": bench.labelling,
            "compiled": lambda: bench.training(compiled=True),
            "bare": bench.bare,
        }
        for part in options.parts or [part for part in PARTS if not (options.tiny and part == "compiled")]:
            parts[part]()
    (options.out / "gpu.md").write_text(markdown(report.figures), encoding="utf-8")
    if "agreement" in report.figures and report.figures["agreement"].get("same", 0) < LEAST_AGREEMENT:
        sys.exit(f"the GPU does not label as the CPU does: {report.figures['agreement']}")


def copied(folder: Path, data: Path, scale: float, tiny: bool) -> Path:
    """A copy of what the stages need, its data prepared."""
    folder.mkdir()
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, folder)
    settings = [f"data.root={data.resolve()}", f"prepare.scale={scale}", "predict.tta=none", "train.log_every=0"]
    # From random weights, as a machine with a GPU may reach no package index.
    settings += ["train.weights=none", "train.freeze_batch_norm=false", "train.backbone_lr=1"]
    settings += ["train.workers=8", "train.epochs=3"]
    if tiny:
        settings += ["train.workers=0", "train.epochs=1", "train.steps=2", "train.batch_size=2", "train.warmup=0"]
    run_stages(folder, "prepare", *settings)
    return folder


def run_stages(project: Path, stage: str, *settings: str, **environment: str) -> None:
    """Run a stage as a process, as everyone does."""
    command = [sys.executable, "-m", "stages", stage, *(part for text in settings for part in ("-S", text))]
    subprocess.run(command, cwd=project, env=os.environ | environment, check=True)


def agreement(project: Path, model: Path | None) -> dict[str, Any]:
    """Share of the pixels of all validation images that have the same class in masks of the GPU and of the CPU."""
    if model:
        (project / MODEL).parent.mkdir()
        shutil.copy(model, project / MODEL)
    else:
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
        files = sorted((project / "data" / "predictions").glob("*_mask.png"))
        masks[name] = [np.asarray(Image.open(file).convert("RGB")) for file in files]
        print(f"predict, {name}: {seconds:.1f} s", flush=True)
    shares = {}
    for name in ("gpu", "gpu without TF32"):
        same = [(mine == other).all(-1) for mine, other in zip(masks[name], masks["cpu"], strict=True)]
        shares[name] = float(sum(part.sum() for part in same) / sum(part.size for part in same))
    return {"images": len(masks["cpu"]), "same": shares["gpu"], "same_without_tf32": shares["gpu without TF32"]}


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
    lines += [figures["note"], ""] if "note" in figures else []
    if "agreement" in figures:
        lines.append(f"Agreement of GPU and CPU: {json.dumps(figures['agreement'])}")
    for part in ("repetition", "training", "labelling"):
        if not (rows := figures[part]):
            continue
        keys = [key for key in dict.fromkeys(key for row in rows for key in row) if key != "took"]
        lines += ["", f"## {part}", "", f"| {' | '.join(keys)} |", "|---" * len(keys) + "|"]
        lines += [f"| {' | '.join(str(row.get(key, '')) for key in keys)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
