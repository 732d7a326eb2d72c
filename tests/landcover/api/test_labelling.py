from dataclasses import fields

import numpy as np
import pytest
import rasterio
import torch
from conftest import landcover as command
from conftest import write_geotiff
from rasterio.enums import ColorInterp
from rasterio.vrt import WarpedVRT

import landcover
from landcover.api.labelling import InferenceKeywords
from landcover.images.image_files import read_rgb
from landcover.inference.options import InferenceOptions
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build


@pytest.fixture
def model_file(classes, tmp_path):
    """An untrained model that gives all of its classes."""
    torch.manual_seed(0)
    architecture = Architecture("fcn8s", "resnet18")
    network = build(architecture, len(classes)).eval()
    with torch.no_grad():
        logits = network(torch.from_numpy(pixels() / np.float32(255))[None])
        score = network.decoder.scores[0]
        score.weight /= logits.std()
        score.bias.copy_((score.bias - logits.mean((0, 2, 3))) / logits.std())
    save_model(Model(network, classes, 1.0), tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def model(model_file):
    return landcover.load_model(model_file, device="cpu")


def pixels(bands=3, dtype=np.uint8, side=70):
    return np.random.default_rng(0).integers(1, np.iinfo(dtype).max, size=(bands, side, side + 30), dtype=dtype)


def test_labels_of_images_are_the_masks_of_landcover_predict(model, model_file, pairs, tmp_path):
    options = ("--tta", "flip", "--window", "64", "--overlap", "0.5", "--batch-size", "2")
    done = command("predict", pairs, "-m", model_file, "-o", "maps", "--device", "cpu", *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("0000", "0001", "0002"):
        path = pairs / f"{name}_sat.png"
        for image in (path, str(path), read_rgb(path)):
            labels = model.predict(image, tta="flip", window=64, overlap=0.5, batch_size=2)
            assert labels.dtype == np.uint8
            assert (model.classes.encode(labels) == read_rgb(tmp_path / f"maps/{name}_mask.png")).all()


def test_labels_of_rasters_are_the_maps_of_landcover_predict(model, model_file, tmp_path, capsys):
    path = tmp_path / "scene.tif"
    values = pixels(4, np.uint16)
    values[:, :20, :30] = 0
    write_geotiff(path, values, nodata=0)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.undefined]
    done = command(
        "predict", path, "-m", model_file, "-o", "maps", "--device", "cpu", "--stretch", "image", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    with rasterio.open(tmp_path / "maps/scene_mask.tif") as file:
        expected = file.read(1)
    assert (expected[:20, :30] == 255).all()
    capsys.readouterr()
    assert (model.predict(path, stretch="image") == expected).all()
    assert capsys.readouterr().err == done.stderr.replace("scene_mask", "scene")  # the notes of the command
    with rasterio.open(path) as dataset:
        assert (model.predict(dataset, stretch="image") == expected).all()
        with WarpedVRT(dataset) as warped:
            assert (model.predict(warped, stretch=(2, 98)) == expected).all()
        assert not dataset.closed
    assert capsys.readouterr().err == ""  # once for a model
    assert len(np.unique(expected)) == 4
    model.predict_map(path, tmp_path / "again.tif", stretch="image")
    assert (tmp_path / "again.tif").read_bytes() == (tmp_path / "maps/scene_mask.tif").read_bytes()


def test_bands_and_percentiles_of_a_raster_can_be_chosen(model, tmp_path):
    path = tmp_path / "scene.tif"
    values = write_geotiff(path, pixels(5))
    with pytest.raises(landcover.LandcoverError, match="it is not clear which of its 5 bands are red, green"):
        model.predict(path)
    expected = model.predict(np.ascontiguousarray(values[[3, 1, 0]].transpose(1, 2, 0)))
    assert (model.predict(path, bands=[4, 2, 1]) == expected).all()
    assert (model.predict(path, bands=[4, 2, 1], stretch=(10, 90)) != expected).any()
    for options, message in (
        ({"bands": [6]}, "scene.tif: no band 6; it has 1 to 5"),
        ({"bands": [1, 2]}, "scene.tif: 2 bands are asked for"),
        ({"bands": [1], "stretch": (98, 2)}, "should be image, or two rising percentiles"),
    ):
        with pytest.raises(landcover.LandcoverError, match=message):
            model.predict(path, **options)


def test_probabilities_add_up_to_1_and_are_nan_without_data(model, tmp_path):
    values = pixels()
    probabilities = model.probabilities(values.transpose(1, 2, 0), window=64)
    assert (probabilities.shape, probabilities.dtype) == ((3, 70, 100), np.float32)
    np.testing.assert_allclose(probabilities.sum(0), 1, rtol=1e-5)
    assert (probabilities.argmax(0) == model.predict(values.transpose(1, 2, 0), window=64)).mean() > 0.99
    values[:, :5] = 0
    write_geotiff(tmp_path / "scene.tif", values, nodata=0, photometric="RGB")
    unseen = np.isnan(model.probabilities(tmp_path / "scene.tif"))
    assert (unseen == (np.arange(70) < 5)[:, None]).all()


def test_a_model_says_what_it_is(model, model_file, classes):
    assert repr(model) == f"<landcover.Model '{model_file}': fcn8s on resnet18, urban, forest, water; on cpu>"
    assert (model.classes, model.path, model.scale, model.device.type) == (classes, model_file, 1.0, "cpu")


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros((8, 8), np.uint8), {}, r"image: ndarray of uint8 \(8, 8\).* \(repeat grey three times: .*\)"),
        (np.zeros((8, 8, 3)), {}, r"image: ndarray of float64 \(8, 8, 3\), values 0 to 0 \(scale 0..1 to 0..255: .*\)"),
        (None, {}, r"image: a NoneType \(np.asarray makes it one\)"),
        (np.zeros((8, 8, 3), np.uint8), {"bands": [1]}, "bands and stretch are for rasters, not for an array"),
        ("none.jpg", {}, "none.jpg: not readable as an image"),
        ("none.tif", {}, "none.tif: not readable as an image"),
    ],
)
def test_a_wrong_image_is_an_error_of_one_line(image, options, message, model):
    with pytest.raises(landcover.LandcoverError, match=message) as error:
        model.predict(image, **options)
    assert "\n" not in str(error.value)


def test_options_are_those_of_the_program(model):
    assert InferenceKeywords.__annotations__.keys() == {field.name for field in fields(InferenceOptions)}
    with pytest.raises(landcover.LandcoverError, match="window = 100: should be a multiple of 32, at least 64"):
        model.predict(np.zeros((8, 8, 3), np.uint8), window=100)


def test_what_cannot_be_loaded_is_an_error_of_one_line(model_file, tmp_path):
    for path, options, message in (
        (tmp_path / "none.safetensors", {}, "no such file"),
        (__file__, {}, "not a model of this program"),
        (model_file, {"device": "gpu"}, "device 'gpu'"),
    ):
        with pytest.raises(landcover.LandcoverError, match=message) as error:
            landcover.load_model(path, **options)
        assert "\n" not in str(error.value)
