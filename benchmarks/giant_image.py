"""A map of one giant GeoTIFF: seconds per megapixel, and memory, against those of 2,000 x 2,000 pixels.

Needs rasterio. Each size, width by height, runs in its own process; memory is all that the process owns, without
mapped files.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Memory, Row, in_process
from benchmarks.images import write_scene
from landcover.system.memory import keep_memory

SIZES = ((2000, 2000), (8000, 8000), (20000, 20000), (2000, 100_000))
"""Heights and widths."""

NOTE = """\
Of images that are stored in tiles, as this one is, pixels are read some windows at a time; the class probabilities of a
row of windows are on disk where the image is wide. What is left to grow are GDAL's memory for blocks, which the
smallest image does not fill, and with the width the labels of a row of the map's blocks, a byte a pixel."""


def measure(scratch: Path) -> Iterator[Row]:
    """Two rows for each size but the smallest."""
    results = {}
    for size in SIZES:
        write_scene(scratch / "image.tif", *size)
        results[size] = in_process("giant_image", scratch / "image.tif", scratch / "map.tif")
    least = results[SIZES[0]]
    for size in SIZES[1:]:
        what, ours = "x".join(map(str, reversed(size))), results[size]
        ratio = ours["seconds"] / least["seconds"]
        yield Row(
            f"{what}, time per megapixel", f"{ours['seconds']:.2f} s", f"{least['seconds']:.2f} s", ratio, "<= 1.1"
        )
        ratio = ours["peak"] / least["peak"]
        yield Row(f"{what}, memory", f"{ours['peak']:.0f} MB", f"{least['peak']:.0f} MB", ratio, "<= 1.1")


if __name__ == "__main__":
    keep_memory()
    import torch

    from benchmarks.networks import labelling_model
    from landcover.geo.maps import predict_map
    from landcover.inference.prediction import for_inference
    from landcover.rasters.raster import open_raster

    image, out = map(Path, sys.argv[1:])
    model = for_inference(labelling_model("fcn1s", "mobilenet_v3_large"), torch.device("cpu"))
    with open_raster(image) as raster:
        megapixels = raster.height * raster.width / 1e6
    with Memory() as memory:
        start = time.perf_counter()
        predict_map(model, image, out, quiet=True)
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds / megapixels, "peak": memory.peak}))
