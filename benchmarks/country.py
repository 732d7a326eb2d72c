"""What the map of a country costs: core-hours by network, from seconds per window on one core, for docs/scale.md.

    python -m benchmarks.country

Labels one image of 3 x 3 windows with each network in one thread, as a worker does (`landcover predict --workers`), and
multiplies by the windows of a country in blocks: those that lie across a border of blocks are computed in both. Reading
and writing are not counted. Writes benchmarks/country.md. Takes a few minutes.
"""

import time

import numpy as np
import torch

from benchmarks.harness import ROOT, machine
from benchmarks.networks import labelling_model
from landcover.inference.options import DEFAULTS
from landcover.inference.prediction import for_inference, label_image
from landcover.inference.tiling import windows
from landcover.scale.options import BLOCK
from landcover.system.memory import keep_memory

PIXELS = 3.6e9
"""Of Germany, 360,000 square kilometres, at 10 m."""

NETWORKS = (
    ("fcn1s", "mobilenet_v3_large"),
    ("fcn1s", "tf_efficientnet_lite0"),
    ("fcn8s", "tf_efficientnet_lite2"),
    ("upernet", "tf_efficientnet_lite2"),
    ("fcn8s", "resnet50"),
    ("fcn8s", "vgg16_bn"),
)
SIDE = 3 * DEFAULTS.window - 2 * DEFAULTS.window // 4
"""Pixels: side of an image of 3 x 3 windows."""


def main() -> None:
    """Measure, and write the table."""
    keep_memory()
    torch.set_num_threads(1)
    per_megapixel = windows_of_block() / (BLOCK**2 / 1e6)
    lines = [
        "# A country",
        "",
        f"Written by `python -m benchmarks.country`: {PIXELS / 1e9:g} billion pixels in blocks of {BLOCK}, windows of "
        f"{DEFAULTS.window} that overlap by {DEFAULTS.overlap:.0%}, one view, {per_megapixel:.2f} windows per "
        f"megapixel; one thread. {machine()}.",
        "",
        "| network | seconds per window | seconds per megapixel | core-hours of the country | with d4 |",
        "|---|---:|---:|---:|---:|",
    ]
    for model, backbone in NETWORKS:
        each = seconds_per_window(model, backbone)
        seconds = each * per_megapixel
        hours = seconds * PIXELS / 1e6 / 3600
        lines.append(f"| {model} on {backbone} | {each:.3f} | {seconds:.2f} | {hours:.1f} | {8 * hours:.0f} |")
    text = "\n".join(lines) + "\n"
    (ROOT / "benchmarks" / "country.md").write_text(text, encoding="utf-8")
    print(text)


def windows_of_block() -> float:
    """The mean number of windows that a block away from the borders of the scene needs."""
    length = 16 * BLOCK
    along = windows(length, DEFAULTS.window, DEFAULTS.overlap)
    weighted = [[window.start + int(i) for i in window.weight.nonzero()[[0, -1], 0]] for window in along]
    starts = range(BLOCK, length - BLOCK, BLOCK)
    counts = [sum(first < start + BLOCK and last >= start for first, last in weighted) for start in starts]
    return float(np.mean(counts)) ** 2


def seconds_per_window(model: str, backbone: str) -> float:
    """The best of three timings: other programs can only slow it down."""
    labeller = for_inference(labelling_model(model, backbone), torch.device("cpu"))
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        label_image(labeller, image)
        seconds.append(time.perf_counter() - start)
    return min(seconds) / 9


if __name__ == "__main__":
    main()
