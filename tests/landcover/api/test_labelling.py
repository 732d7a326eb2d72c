from dataclasses import fields

import numpy as np
import pytest
import rasterio
import torch
from conftest import BACKBONE, write_geotiff
from conftest import landcover as command
from rasterio.enums import ColorInterp
from rasterio.vrt import WarpedVRT

import landcover
from landcover.api.labelling import InferenceKeywords
from landcover.images.image_files import read_rgb
from landcover.images.image_spec import ImageSpec
from landcover.inference.options import InferenceOptions
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build


@pytest.fixture
def model_file(classes, tmp_path):
    """An untrained model that gives all of its classes."""
    torch.manual_seed(0)
    network = build(Architecture("fcn1s", BACKBONE), len(classes)).eval()
    score = network.decoder.pixel_score[-1]
    with torch.no_grad():
        torch.nn.init.normal_(score.weight)  # so that its classes depend on each pixel
        score.bias -= network(torch.from_numpy(pixels() / np.float32(255))[None]).mean((0, 2, 3))
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
        ({"bands": [1, 2]}, "scene.tif: number of bands asked for: 2"),
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
    assert repr(model) == f"<landcover.Model '{model_file}': fcn1s on test_resnet, urban, forest, water; on cpu>"
    assert (model.bands, model.dtype) == (("red", "green", "blue"), "uint8")
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


FOUR = ImageSpec(("red", "green", "blue", "nir"), "uint16", (2000.0,) * 4, (900.0,) * 4, (100.0,) * 4, (4000.0,) * 4)


@pytest.fixture
def model_of_four(classes, tmp_path):
    """An untrained model of four bands of 16 bits."""
    torch.manual_seed(0)
    save_model(Model(build(Architecture("baseline", None), 3, FOUR), classes, 1.0), tmp_path / "four.safetensors")
    return landcover.load_model(tmp_path / "four.safetensors", device="cpu")


def test_an_array_has_the_bands_of_the_model_in_its_units(model_of_four, tmp_path):
    values = np.random.default_rng(0).integers(100, 4000, size=(40, 50, 4)).astype(np.float32)
    values[3, 4, 1], values[5, 6, 2] = np.nan, np.inf
    assert (model_of_four.bands, model_of_four.dtype) == (FOUR.bands, "uint16")
    labels = model_of_four.predict(values)
    assert np.argwhere(labels == 255).tolist() == [[3, 4], [5, 6]]
    write_geotiff(tmp_path / "a.tif", values.transpose(2, 0, 1))
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.descriptions = FOUR.bands
    assert (model_of_four.predict(tmp_path / "a.tif") == labels).all()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8, 4), np.uint8), r"uint8 \(8, 8, 4\), .* \(convert it to the units of the training images\)"),
        (np.zeros((8, 8, 3), np.uint16), r"uint16 \(8, 8, 3\), .* \(give 4 bands, the last axis\)"),
        (np.zeros((4, 8, 8), np.uint16), r"np\.moveaxis\(image, 0, -1\)"),
        (np.zeros((8, 8, 6), np.uint16), r"choose 4: image"),
        (np.zeros((8, 8, 4), np.int64), r"image\.astype\(np\.uint16\)"),
        (np.zeros((8, 8, 4), ">u2"), r"image\.astype\(np\.uint16\)"),
    ],
)
def test_an_array_of_other_bands_or_type_is_an_error_with_advice(image, message, model_of_four):
    with pytest.raises(landcover.LandcoverError, match=message) as error:
        model_of_four.predict(image)
    assert str(error.value).endswith("uint16 (H, W, 4): red, green, blue, nir, in the units of the training images.")


def test_values_in_another_unit_are_a_warning_once_a_model(model_of_four, capsys):
    for _ in range(2):
        model_of_four.predict(np.random.default_rng(0).random((40, 50, 4)))
    assert capsys.readouterr().err.count("warning: image: its values hardly vary") == 1
