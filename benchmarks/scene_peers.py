"""A map of a scene of 2048x2048 pixels against what others use: sliding windows in PyTorch, and geodeep.

Needs rasterio and geodeep. All begin with the files of model and scene and end with that of the map, and label the same
25 windows of 512x512 pixels, which overlap by a quarter, each once; only imports are not counted. Each runs in a
process of its own, as its users start it: ours keeps memory. Networks are untrained and draw a single class.

- Ours is `predict_map`: strip by strip, blended, with the default engine, which it sets up each time. It adds overviews
  to the map, and reads it back.
- mmseg's way (`EncoderDecoder.slide_inference`): the whole image in memory, windows through PyTorch as the network was
  trained, logits added to an array of the whole image, to which each window is padded; divided by their number.
- The same, with logits added where the window lies.
- `geodeep -t mask` with the exported model: onnxruntime, tiles cut where they meet, then a median filter.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.harness import Row
from benchmarks.turns import processes_in_turns, take_turns

WINDOW, STRIDE = 512, 384
SIDE = WINDOW + 4 * STRIDE
CASES = (("fcn1s", "tf_efficientnet_lite0"), ("fcn8s", "mobilenet_v2"))
PEERS = ("mmseg's way", "mmseg's way, added in place", "geodeep")


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each network and peer."""
    from benchmarks.images import write_scene
    from benchmarks.networks import labelling_model
    from landcover.export.onnx_export import export_onnx
    from landcover.models.model_file import save_model

    write_scene(scratch / "scene.tif", SIDE)
    for name, backbone in CASES:
        model = labelling_model(name, backbone)
        save_model(model, scratch / "model.safetensors")
        export_onnx(model, scratch / "model.onnx", tile_size=WINDOW)
        programs = {program: ("scene_peers", program, scratch) for program in ("ours", *PEERS)}
        times = processes_in_turns(programs, rounds=3)
        ours = times["ours"]
        for peer in PEERS:
            yield Row(f"{name} on {backbone}, {peer}", str(ours), str(times[peer]), times[peer].median / ours.median)


def _ours(scratch: Path) -> None:
    import torch

    from landcover.geo.maps import predict_map
    from landcover.inference.prediction import for_inference
    from landcover.models.model_file import load_model

    model = for_inference(load_model(scratch / "model.safetensors"), torch.device("cpu"))
    predict_map(model, scratch / "scene.tif", scratch / "ours.tif", quiet=True)


def _sliding(scratch: Path, *, in_place: bool) -> None:
    import numpy as np
    import rasterio
    import torch
    from torch.nn.functional import pad

    from landcover.models.model_file import load_model

    model = load_model(scratch / "model.safetensors")
    network = model.network.to(memory_format=torch.contiguous_format).eval()
    with rasterio.open(scratch / "scene.tif") as scene:
        image = torch.from_numpy(scene.read())[None].float() / 255
        profile = scene.profile | {"count": 1, "compress": "deflate"}
    logits = torch.zeros(1, len(model.classes), *image.shape[2:])
    counts = torch.zeros(1, 1, *image.shape[2:])
    with torch.no_grad():
        for top in range(0, SIDE - WINDOW + 1, STRIDE):
            for left in range(0, SIDE - WINDOW + 1, STRIDE):
                bottom, right = top + WINDOW, left + WINDOW
                window = np.s_[:, :, top:bottom, left:right]
                scores = network(image[window])
                if in_place:
                    logits[window] += scores
                else:
                    logits += pad(scores, (left, SIDE - right, top, SIDE - bottom))
                counts[window] += 1
        labels = (logits / counts).softmax(1).argmax(1)
    with rasterio.open(scratch / f"sliding{in_place:d}.tif", "w", **profile) as file:
        file.write(labels.numpy().astype(np.uint8))


def _geodeep(scratch: Path) -> None:
    from geodeep import run
    from geodeep.segmentation import save_mask_to_raster

    mask = run(str(scratch / "scene.tif"), str(scratch / "model.onnx"), output_type="raw")
    save_mask_to_raster(scratch / "scene.tif", mask, scratch / "geodeep.tif")


if __name__ == "__main__":
    from landcover.system.memory import keep_memory
    from landcover.system.threads import wait_briefly

    program, folder = sys.argv[1], Path(sys.argv[2])
    if program == "ours":
        keep_memory()
        wait_briefly()
    tasks: dict[str, Callable[[Path], None]] = {
        "ours": _ours,
        PEERS[0]: partial(_sliding, in_place=False),
        PEERS[1]: partial(_sliding, in_place=True),
        "geodeep": _geodeep,
    }
    take_turns(partial(tasks[program], folder))
