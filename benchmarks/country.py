"""What the map of a country costs: core-hours by network, from seconds per window on one core, for docs/scale.md.

    python -m benchmarks.country

Labels one image of 3 x 3 windows with each network in one thread, as a worker does (`landcover predict --workers`), and
multiplies by the windows of a country that 16 workers draw: those that lie across the borders of what they are given
(`scale.sweeps`) are computed twice. Reading and writing are not counted. Writes benchmarks/country.md. Takes a few
minutes.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.harness import ROOT, machine
from benchmarks.networks import labelling_model
from landcover.inference.options import DEFAULTS
from landcover.inference.prediction import for_inference, label_image
from landcover.inference.tiling import windows
from landcover.scale.block_files import BlockFiles
from landcover.scale.block_folder import Found
from landcover.scale.blocks import BlockGrid
from landcover.scale.options import BLOCK
from landcover.scale.sweeps import plan, rectangles, region_of
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
WORKERS = 16
SIDE = 3 * DEFAULTS.window - 2 * DEFAULTS.window // 4
"""Pixels: side of an image of 3 x 3 windows."""


def main() -> None:
    """Measure, and write the table."""
    keep_memory()
    torch.set_num_threads(1)
    per_megapixel = windows_per_megapixel()
    lines = [
        "# A country",
        "",
        f"Written by `python -m benchmarks.country`: {PIXELS / 1e9:g} billion pixels, {WORKERS} workers "
        f"of one thread, windows of {DEFAULTS.window} that overlap by {DEFAULTS.overlap:.0%}, one view, "
        f"{per_megapixel:.2f} windows per megapixel. {machine()}.",
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


def windows_per_megapixel() -> float:
    """Windows that workers compute for a megapixel of a square country: those that sweeps share, for each of them."""
    side = round(PIXELS**0.5)
    with TemporaryDirectory() as nothing:
        grid = BlockGrid(side, side, BLOCK)
        sweeps = plan(grid, Found(BlockFiles(Path(nothing), "none"), grid), WORKERS)[1]
        regions = [region_of(rectangle) for sweep in sweeps for rectangle in rectangles(sweep)]
    along = windows(side, DEFAULTS.window, DEFAULTS.overlap)
    weighted = [[window.start + int(i) for i in window.weight.nonzero()[[0, -1], 0]] for window in along]

    def across(start: int, stop: int) -> int:
        return sum(first < stop and last >= start for first, last in weighted)

    count = sum(across(each.top, each.bottom) * across(each.left, each.right) for each in regions)
    return count / (side**2 / 1e6)


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
