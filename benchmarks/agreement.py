"""Whether all ways to run a trained network label alike: the share of pixels with the label that PyTorch gives.

The model is that of `dvc repro evaluate`; the images are its 31 validation tiles, which it labels in one window, and a
sample of the data of a course (512x512 pixels), if `../shared/dlcv2018.tar` is there. Ours is the number of pixels with
another label, the peer's that of all pixels. int8 is what `landcover quantize` makes of it, with the ranges of 64
training tiles and three convolutions that stay float: integers are not exact, so that it has no target.
"""

import tarfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.harness import ROOT, Row
from landcover.export.onnx_export import export_onnx
from landcover.images.image_files import read_rgb
from landcover.images.pairs import find_samples
from landcover.inference.options import ALIGNMENT, InferenceOptions
from landcover.inference.prediction import for_inference, label_image
from landcover.inference.quantisation import quantise
from landcover.models.int8 import Int8
from landcover.models.model_file import Model, load_model

TILES = ROOT / "data" / "bluemarble" / "validation"
COURSE = ROOT.parent / "shared" / "dlcv2018.tar"
MODEL = ROOT / "models" / "model.safetensors"
SAMPLE = 31  # images of the course
LEAST = ">= 0.9999"
CALIBRATION, FLOAT_LAYERS = 64, 3

Label = Callable[[np.ndarray, str], np.ndarray]
"""From an image and a test-time augmentation to labels."""


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each engine and each data set."""
    sets = {"the tiles": [read_rgb(sample.image) for sample in find_samples(TILES)]}
    if COURSE.exists():
        sets["the course's"] = list(_course_images())
    else:
        print(f"{COURSE}: not here; the data of the course are left out")
    model = for_inference(load_model(MODEL), torch.device("cpu"))
    ways = dict(_ways(model, scratch))
    for name, images in sets.items():
        for tta in ("none", "d4"):
            wanted = [label_image(model, image, InferenceOptions(engine="torch", tta=tta)) for image in images]
            for way, (label, views) in ways.items():
                if tta in views:
                    found = [label(image, tta) for image in images]
                    yield _row(f"{way}, {len(images)} of {name}, test-time augmentation: {tta}", wanted, found)


def _row(case: str, wanted: list[np.ndarray], found: list[np.ndarray]) -> Row:
    pixels = sum(labels.size for labels in wanted)
    others = sum(int((one != other).sum()) for one, other in zip(wanted, found, strict=True))
    return Row(case, f"{others:,}", f"{pixels:,}", 1 - others / pixels, "" if case.startswith("int8") else LEAST)


def _ways(model: Model, scratch: Path) -> Iterator[tuple[str, tuple[Label, tuple[str, ...]]]]:
    """Yield by name what labels an image, and the test-time augmentations with which it can."""
    for engine in ("onnxruntime", "openvino"):
        if find_spec(engine):
            yield engine, (_with_engine(model, engine), ("none", "d4"))
    yield "int8", (_with_engine(_quantised(), "onnxruntime"), ("none", "d4"))
    yield "exported ONNX", (_exported(scratch), ("none",))


def _with_engine(model: Model, engine: str) -> Label:
    return lambda image, tta: label_image(model, image, InferenceOptions(engine=engine, tta=tta))


def _quantised() -> Model:
    model = load_model(MODEL)
    tiles = [read_rgb(sample.image) for sample in find_samples(TILES.with_name("train"))[:CALIBRATION]]
    graph = quantise(model.network, tiles, len(model.classes), FLOAT_LAYERS)
    model = for_inference(model, torch.device("cpu"))
    model.network.int8 = Int8(graph=graph, windows=len(tiles), float_layers=FLOAT_LAYERS)
    return model


def _exported(folder: Path) -> Label:
    """What `landcover export` writes for tiles of the size of the images, run by onnxruntime."""
    import onnxruntime

    sessions: dict[int, onnxruntime.InferenceSession] = {}

    def label(image: np.ndarray, tta: str) -> np.ndarray:
        side = -(-max(image.shape[:2]) // ALIGNMENT) * ALIGNMENT
        if side not in sessions:
            path = folder / f"{side}.onnx"
            export_onnx(load_model(MODEL), path, tile_size=side)
            sessions[side] = onnxruntime.InferenceSession(path)
        height, width = image.shape[:2]
        padded = np.pad(image, ((0, side - height), (0, side - width), (0, 0)), mode="edge")
        pixels = padded.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return sessions[side].run(None, {"image": pixels})[0][0, :, :height, :width].argmax(0).astype(np.uint8)

    return label


def _course_images() -> Iterator[np.ndarray]:
    """Every eighth validation image."""
    with tarfile.open(COURSE) as tar:
        names = sorted(name for name in tar.getnames() if "validation/" in name and name.endswith("_sat.jpg"))
        for name in names[:: len(names) // SAMPLE][:SAMPLE]:
            file = tar.extractfile(name)
            assert file
            yield np.asarray(Image.open(BytesIO(file.read())).convert("RGB"))
