"""A map of one giant GeoTIFF: seconds per megapixel, and memory, against those of 2,000 x 2,000 pixels.

Needs rasterio. Each size runs in its own process; memory is all that the process owns.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Memory, Row, in_process
from benchmarks.images import write_scene
from landcover.system.memory import keep_memory

SIDES = (2000, 8000, 20000)
NOTE = """\
Memory grows with the width, not with the height: what is held are a band of pixels and one of class probabilities, as
wide as the image and as high as a window. Narrower ones would need files that are stored in blocks, as GeoTIFFs are
and most others are not."""


def measure(scratch: Path) -> Iterator[Row]:
    """Two rows for each size but the smallest."""
    results = {}
    for side in SIDES:
        write_scene(scratch / "image.tif", side)
        results[side] = in_process("giant_image", scratch / "image.tif", scratch / "map.tif")
    least = results[SIDES[0]]
    for side in SIDES[1:]:
        ours = results[side]
        yield Row(
            f"{side}x{side}, time per megapixel",
            f"{ours['seconds']:.2f} s",
            f"{least['seconds']:.2f} s",
            ours["seconds"] / least["seconds"],
            "<= 1.1",
        )
        yield Row(
            f"{side}x{side}, memory",
            f"{ours['peak']:.0f} MB",
            f"{least['peak']:.0f} MB",
            ours["peak"] / least["peak"],
            "<= 1.1",
        )


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
