import copy
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import rasterio
import torch
from conftest import ROOT, TABLE
from geodeep.utils import median_filter

from landcover.export import onnx_export
from landcover.export.onnx_export import OPSET, export_onnx
from landcover.images.image_spec import ImageSpec
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_image
from landcover.inference.quantisation import quantise
from landcover.models.int8 import Int8
from landcover.models.model_file import Model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError

TILE = 64
LEARNED = Architecture("fcn1s", "mobilenet_v3_large", "learned", context=16)  # some of everything
BASELINE = Architecture("baseline", None)
FIXED = [LEARNED, BASELINE]


def blocks(height, width, seed=0):
    """An image of coloured blocks, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(256, size=(height // 16 + 1, width // 16 + 1, 3))
    noise = rng.normal(0, 8, (height, width, 3))
    return (coarse.repeat(16, 0).repeat(16, 1)[:height, :width] + noise).clip(0, 255).astype(np.uint8)


def batch(size, height, width):
    """float32 (N, 3, H, W)."""
    images = np.stack([blocks(height, width, seed) for seed in range(size)])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 255


@cache
def coloured(architecture):
    """A model in training. Its batch norms have settled, and if it scores pixels, each class has colours of its own."""
    torch.manual_seed(0)
    network = build(architecture, len(TABLE), ImageSpec(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)))
    for name, weights in network.decoder.named_parameters():
        if name.startswith(("scores.", "pixel_score.")):
            torch.nn.init.normal_(weights, std=1.0 if "pixel_score" in name else 0.1)
    network.to(memory_format=torch.channels_last)
    with torch.no_grad():
        for _ in range(12):
            network(batch(2, TILE, TILE))
        if architecture.model == "fcn1s":
            network.decoder.pixel_score[-1].bias -= network.eval()(batch(4, TILE, TILE)).mean((0, 2, 3))
    return Model(network.train(), TABLE, 1.0)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A function that exports a model of an architecture once, and gives the path."""

    @cache
    def export(architecture, dynamic):
        path = tmp_path_factory.mktemp("exported") / "model.onnx"
        export_onnx(coloured(architecture), path, tile_size=TILE, dynamic=dynamic, resolution=50, overlap=0.25)
        return path

    return export


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def assert_agree(path, architecture, images):
    (probabilities,) = session(path).run(None, {"image": images.numpy()})
    network = coloured(architecture).network.eval()
    with torch.inference_mode():
        expected = network(images).softmax(1)
    torch.testing.assert_close(torch.from_numpy(probabilities), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("architecture", FIXED, ids=str)
def test_probabilities_are_those_of_the_network_for_any_batch(architecture, exported):
    path = exported(architecture, False)
    for size in (1, 2, 5):
        assert_agree(path, architecture, batch(size, TILE, TILE))


def test_with_dynamic_images_may_have_any_size(exported):
    path = exported(BASELINE, True)
    for size, height, width in [(1, 1, 1), (2, 33, 70), (5, 64, 32), (1, 225, 225)]:
        assert_agree(path, BASELINE, batch(size, height, width))


@pytest.mark.parametrize(
    ("bands", "dtype"),
    [
        *((1, "uint8"), (4, "uint16"), (13, "float32")),
        *(
            pytest.param(bands, dtype, marks=pytest.mark.long)
            for bands in (1, 4, 10, 13)
            for dtype in ("uint8", "uint16", "float32")
            if (bands, dtype) not in ((1, "uint8"), (4, "uint16"), (13, "float32"))
        ),
    ],
)
def test_any_bands_and_pixel_types_are_normalised_within_the_graph(bands, dtype, tmp_path):
    most = {"uint8": 255, "uint16": 9000, "float32": 1.5}[dtype]
    names = tuple(f"band {i}" for i in range(1, bands + 1))
    level = most / (255 if dtype == "uint8" else 1)
    spread = tuple(level * (0.2 + 0.02 * i) for i in range(bands))
    images = ImageSpec(names, dtype, (level / 2,) * bands, spread, (0.0,) * bands, (float(most),) * bands)
    torch.manual_seed(0)
    network = build(BASELINE, len(TABLE), images).eval()
    export_onnx(Model(network, TABLE, 1.0), tmp_path / "model.onnx", tile_size=TILE)
    pixels = (np.random.default_rng(0).random((2, TILE, TILE, bands)) * most).astype(dtype)
    inputs = network.to_input(pixels)
    assert inputs.max() <= (1 if dtype == "uint8" else most)
    (probabilities,) = session(tmp_path / "model.onnx").run(None, {"image": inputs.contiguous().numpy()})
    with torch.inference_mode():
        torch.testing.assert_close(torch.from_numpy(probabilities), network(inputs).softmax(1), rtol=0, atol=1e-4)
    metadata = session(tmp_path / "model.onnx").get_modelmeta().custom_metadata_map
    content = {key: json.loads(value) for key, value in metadata.items()}
    assert (content["bands"], content["dtype"], content["mean"]) == (list(names), dtype, [level / 2] * bands)
    values = "0..1" if dtype == "uint8" else f"values as in the {dtype} images"
    assert content["input"] == f"{', '.join(names)}, float32, {values}"


def test_input_and_output_say_what_they_are(exported):
    fixed, dynamic = (session(exported(BASELINE, dynamic)) for dynamic in (False, True))
    (image,), (probabilities,) = fixed.get_inputs(), fixed.get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(float)", ["batch", 3, TILE, TILE])
    assert (probabilities.name, probabilities.shape) == ("probabilities", ["batch", 3, TILE, TILE])
    assert dynamic.get_inputs()[0].shape == ["batch", 3, "height", "width"]
    assert dynamic.get_outputs()[0].shape == ["batch", 3, "height", "width"]


def test_the_metadata_are_json_of_the_types_that_clients_expect(exported):
    metadata = session(exported(BASELINE, False)).get_modelmeta().custom_metadata_map
    content = {key: json.loads(value) for key, value in metadata.items()}
    assert content == {
        "model_type": "Segmentor",
        "class_names": {"0": "urban", "1": "forest", "2": "water"},
        "resolution": 50.0,
        "tile_size": TILE,
        "tiles_overlap": 25,
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
        "class_colours": {"urban": "#00ffff", "forest": "#00ff00", "water": "#0000ff"},
        "network": "baseline",
        "input": "RGB, float32, 0..1",
        "bands": ["red", "green", "blue"],
        "dtype": "uint8",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "low": None,
        "high": None,
        "output": "probability of each class, float32, 0..1",
        "scale": 1.0,
    }
    whole = {key for key, value in content.items() if type(value) is int}
    assert whole == {"tile_size", "tiles_overlap", "seg_small_segment"}


@pytest.mark.parametrize("architecture", FIXED, ids=str)
def test_the_file_holds_the_network_and_nothing_of_the_machine_that_wrote_it(architecture, exported):
    path = exported(architecture, False)
    proto = onnx.load(path)
    assert [opset.version for opset in proto.opset_import] == [OPSET]
    assert proto.ir_version == onnx.helper.find_min_ir_version_for(proto.opset_import)
    steps = {node.op_type for node in proto.graph.node}
    assert "Pad" not in steps or architecture == LEARNED  # whose upsampling pads
    assert not steps & {"Slice", "Gather", "Range", "Dropout", "BatchNormalization"}
    content = path.read_bytes()
    assert not any(text in content for text in (b"site-packages", b".py", bytes(ROOT)))
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


def test_exporting_leaves_the_model_as_it_is_and_gives_the_same_bytes_again(exported, tmp_path):
    model = coloured.__wrapped__(BASELINE)
    before = {name: (tensor.clone(), tensor.stride()) for name, tensor in model.network.state_dict().items()}
    export_onnx(model, tmp_path / "again.onnx", tile_size=TILE, resolution=50)
    assert model.network.training
    for name, tensor in model.network.state_dict().items():
        assert tensor.equal(before[name][0]) and tensor.stride() == before[name][1]
    assert (tmp_path / "again.onnx").read_bytes() == exported(BASELINE, False).read_bytes()


@pytest.mark.parametrize("missing", ["onnx", "onnxscript"])
def test_missing_packages_are_named_in_one_line_and_nothing_is_written(missing, tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(b"mine")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(LandcoverError, match=rf"ONNX files need the package {missing}\. Install") as error:
        export_onnx(coloured(BASELINE), tmp_path / "model.onnx")
    assert "\n" not in str(error.value)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("model.onnx", b"mine")]


def test_weights_beyond_the_limit_of_the_file_are_refused_at_once(tmp_path):
    with torch.device("meta"):
        network = build(Architecture("fcn32s", "resnet18", context=16384), 3)
    with pytest.raises(
        LandcoverError, match=r"an ONNX file may have 2 GiB, and the weights of fcn32s on resnet18 take 2\.6"
    ):
        export_onnx(Model(network, TABLE, 1.0), tmp_path / "model.onnx")
    assert onnx_export.MAX_BYTES < onnx.checker.MAXIMUM_PROTOBUF
    assert list(tmp_path.iterdir()) == []


def geodeep(folder, image, model, kind):
    """Write an image as a GeoTIFF and run the command geodeep on it; the path of what it wrote."""
    profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "photometric": "RGB", "crs": "EPSG:32633"}
    place = rasterio.Affine(10, 0, 500_000, 0, -10, 5_000_000)
    height, width = image.shape[:2]
    with rasterio.open(folder / "town.tif", "w", width=width, height=height, transform=place, **profile) as raster:
        raster.write(image.transpose(2, 0, 1))
    output = folder / ("out.tif" if kind == "mask" else "out.geojson")
    command = [Path(sys.executable).parent / "geodeep", "town.tif", model, "-t", kind, "-o", output, "-q"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return output


@pytest.mark.parametrize(
    ("size", "agreement"),
    [
        ((TILE, TILE), 0.999),
        ((96, 128), 0.99),  # geodeep cuts its tiles where ours are blended
    ],
)
def test_geodeep_draws_the_same_map(size, agreement, exported, tmp_path):
    image = blocks(*size)
    model = coloured(LEARNED)
    model.network.eval()
    expected = median_filter(label_image(model, image, InferenceOptions(window=TILE)), 5)  # as geodeep does at its end
    with rasterio.open(geodeep(tmp_path, image, exported(LEARNED, False), "mask")) as raster:
        mask = raster.read(1)
    assert set(np.unique(mask)) == {0, 1, 2}
    assert (mask == expected).mean() >= agreement


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["unet", "unetplusplus", "fpn", "pspnet", "deeplabv3", "deeplabv3plus", "upernet", "segformer"]
)
def test_geodeep_draws_the_same_map_with_the_decoders_of_today(name, tmp_path):
    image, model = blocks(TILE, TILE), coloured(Architecture(name, "resnet18"))
    model.network.eval()
    export_onnx(model, tmp_path / "model.onnx", tile_size=TILE)
    expected = median_filter(label_image(model, image, InferenceOptions(window=TILE)), 5)
    with rasterio.open(geodeep(tmp_path, image, tmp_path / "model.onnx", "mask")) as raster:
        assert (raster.read(1) == expected).mean() >= 0.999


def test_geodeep_draws_the_same_map_with_integers_of_8_bits(tmp_path):
    image, model = blocks(TILE, TILE), coloured(LEARNED)
    network = copy.deepcopy(model.network).eval()
    graph = quantise(network, [blocks(TILE, TILE, seed) for seed in range(1, 5)], len(TABLE), float_layers=1)
    network.int8 = Int8(graph=graph, windows=4, float_layers=1)
    model = replace(model, network=network)
    export_onnx(model, tmp_path / "model.onnx", tile_size=TILE, int8=True)
    labels = label_image(model, image, InferenceOptions(window=TILE, engine="onnxruntime"))
    floats = label_image(model, image, InferenceOptions(window=TILE, engine="torch"))
    assert (labels != floats).any()  # it is the integers that are compared
    with rasterio.open(geodeep(tmp_path, image, tmp_path / "model.onnx", "mask")) as raster:
        assert (raster.read(1) == median_filter(labels, 5)).mean() >= 0.999


def test_geodeep_names_the_classes_of_its_polygons(exported, tmp_path):
    path = geodeep(tmp_path, blocks(TILE, TILE), exported(LEARNED, False), "geojson")
    features = json.loads(path.read_text())["features"]
    assert {feature["properties"]["class"] for feature in features} == set(TABLE.names)
