"""Labelling 512x512 images: against the bare forward pass, and against the ordinary way.

The forward pass is PyTorch's, with batch norms folded; it has the images in memory, float32 and channels last, and
keeps nothing. Ours decodes JPEG, labels with the default engine and writes PNG. Below, over the same limit: labelling
images in memory one by one; decoding, and writing the true masks, with all cores; and ours with PyTorch, and with
OpenVINO where it is installed. The ordinary way takes one image at a time, with the network as it was trained, in
PyTorch's default layout.
The last network is that of the program of 2019, which worked in the ordinary way.
"""

from collections import deque
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.harness import Row, in_turns
from benchmarks.images import CLASSES, write_pairs
from benchmarks.networks import labelling_model
from landcover.images.image_files import read_packed, read_rgb, save_png
from landcover.inference.mask_files import predict_masks
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import for_inference, label_image
from landcover.system.parallel import parallel_map

CASES = {
    ("fcn1s", "mobilenet_v3_large"): 48,
    ("fcn8s", "mobilenet_v2"): 48,
    ("fcn8s", "vgg16_bn"): 4,
    ("fcn8s_deconv5", "vgg16_bn"): 4,
}
ENGINES = [
    (name, InferenceOptions(engine=name)) for name in ("torch", "openvino") if name == "torch" or find_spec(name)
]
"""Beside the default."""

NOTE = """\
onnxruntime labels several images at once, each by one thread, while others are read and written. With PyTorch, files
are read and written between images and not at the same time, which delayed the network's threads by more than it
saved."""


def measure(scratch: Path) -> Iterator[Row]:
    """Six or seven rows for each network."""
    paths = write_pairs(scratch / "pairs", max(CASES.values()))
    for (name, backbone), count in CASES.items():
        yield from _compare(name, backbone, {path.stem: path for path in paths[:count]}, scratch)


def _compare(name: str, backbone: str, images: dict[str, Path], scratch: Path) -> Iterator[Row]:
    model = for_inference(labelling_model(name, backbone), torch.device("cpu"))
    plain = labelling_model(name, backbone).network.to(memory_format=torch.contiguous_format)
    arrays = [read_rgb(path) for path in images.values()]
    pixels = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 255  # channels last, as it was
    masks = [path.with_name(path.name.replace("_sat.jpg", "_mask.png")) for path in images.values()]
    labels = [CLASSES.decode(read_packed(mask))[0] for mask in masks]

    def write() -> None:
        out = scratch / "alone"
        out.mkdir(exist_ok=True)
        jobs = zip(labels, images, strict=True)
        deque(parallel_map(lambda job: save_png(CLASSES.encode(job[0]), out / f"{job[1]}.png"), jobs), maxlen=0)

    tasks = {
        "ours": lambda: predict_masks(model, images, scratch / "ours", quiet=True),
        **{name: partial(predict_masks, model, images, scratch / name, how, quiet=True) for name, how in ENGINES},
        "forward": lambda: forward(model.network, pixels),
        "labelling": lambda: [label_image(model, array) for array in arrays],
        "decoding": lambda: deque(parallel_map(read_rgb, images.values()), maxlen=0),
        "writing": write,
        "ordinary": lambda: ordinary(plain, images, scratch / "ordinary"),
    }
    times = in_turns(tasks)
    ours, bare, peer = (times[task] for task in ("ours", "forward", "ordinary"))
    what = f"{name} on {backbone}, {len(images)} images"
    target = "<= 0.8" if "mobilenet" in backbone else "<= 1.15"
    yield Row(f"{what}, forward pass", str(ours), str(bare), ours.median / bare.median, target)
    for part in ("labelling", "decoding", "writing"):
        yield Row(f"of that, {part}", str(times[part]), str(bare), times[part].median / bare.median)
    for engine, _ in ENGINES:
        yield Row(f"{what}, with {engine}", str(times[engine]), str(bare), times[engine].median / bare.median)
    target = ">= 1.4" if "mobilenet" in backbone else ""
    yield Row(f"{what}, ordinary way", str(ours), str(peer), peer.median / ours.median, target)


@torch.inference_mode()
def forward(network: torch.nn.Module, pixels: torch.Tensor) -> None:
    """Put the images through the network one by one."""
    for i in range(len(pixels)):
        network(pixels[i : i + 1])


def ordinary(network: torch.nn.Module, images: dict[str, Path], folder: Path) -> None:
    """Decode, label, write; one after the other."""
    folder.mkdir(exist_ok=True)
    palette = np.array(list(CLASSES.colours.values()), np.uint8)
    for name, path in images.items():
        image = np.asarray(Image.open(path).convert("RGB"))
        with torch.no_grad():
            logits = network(torch.from_numpy(image.copy()).permute(2, 0, 1)[None].contiguous().float() / 255)
        Image.fromarray(palette[logits.argmax(1)[0].numpy()]).save(folder / f"{name}_mask.png")
