import json

import numpy as np
import pytest
import rasterio
from conftest import draw_pair, write_geotiff

from landcover.classes.class_table import UNKNOWN
from landcover.geo.maps import predict_map
from landcover.images.image_files import read_rgb
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_image
from landcover.models.model_file import Model, load_model
from landcover.system.errors import LandcoverError

WINDOWED = InferenceOptions(window=64)


@pytest.fixture
def model(model_file):
    return load_model(model_file)


def image(folder, height, width):
    draw_pair(folder, "a", height, width)
    return read_rgb(folder / "a_sat.png").transpose(2, 0, 1)


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("size", [(150, 131), (200, 1), (1, 1)])
def test_a_map_has_the_labels_of_the_same_image_in_memory(model, tmp_path, size, scale):
    model = Model(model.network, model.classes, scale)
    pixels = write_geotiff(tmp_path / "a.tif", image(tmp_path, *size))
    options = InferenceOptions(window=64, overlap=0.25, tta="flip")
    predict_map(model, tmp_path / "a.tif", tmp_path / "map.tif", options)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert (file.read(1) == label_image(model, pixels.transpose(1, 2, 0), options)).all()
        assert json.loads(file.tags()["CLASS_NAMES"]) == dict(zip("012", model.classes.names, strict=True))
        assert file.tags()["MODEL"] == "fcn8s on resnet18"
        assert file.tags()["BANDS"] == "1,2,3"
        assert "STRETCH" not in file.tags()


def test_without_data_there_is_no_class_and_no_probability(model, tmp_path):
    pixels = image(tmp_path, 100, 90) | 1
    pixels[:, 30:60, 40:] = 0
    write_geotiff(tmp_path / "a.tif", pixels, nodata=0)
    predict_map(model, tmp_path / "a.tif", tmp_path / "map.tif", WINDOWED, probabilities=tmp_path / "p.tif")
    with rasterio.open(tmp_path / "map.tif") as file, rasterio.open(tmp_path / "p.tif") as probabilities:
        labels, values = file.read(1), probabilities.read()
    assert ((labels == UNKNOWN) == (pixels == 0).all(0)).all()
    assert (np.isnan(values) == (labels == UNKNOWN)).all()
    known = labels != UNKNOWN
    assert (values.argmax(0)[known] == labels[known]).all()
    assert np.allclose(values[:, known].sum(0), 1, atol=1e-5)


@pytest.mark.parametrize("cog", [False, True])
def test_confidence_lies_where_the_map_lies_and_changes_no_byte_of_it(model, tmp_path, cog):
    pixels = image(tmp_path, 300, 200) | 1
    pixels[:, 30:60, 40:] = 0
    write_geotiff(tmp_path / "a.tif", pixels, nodata=0)
    predict_map(model, tmp_path / "a.tif", tmp_path / "alone.tif", WINDOWED, cog=cog)
    sure, probabilities = tmp_path / "c.tif", tmp_path / "p.tif"
    options = {"cog": cog, "confidence": sure, "probabilities": probabilities}
    predict_map(model, tmp_path / "a.tif", tmp_path / "map.tif", WINDOWED, **options)
    assert (tmp_path / "map.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()
    with (
        rasterio.open(sure) as file,
        rasterio.open(probabilities) as of_classes,
        rasterio.open(tmp_path / "a.tif") as at,
    ):
        assert (file.count, file.dtypes, file.nodata, file.compression.name) == (1, ("uint8",), 0, "deflate")
        assert (file.crs, file.transform) == (at.crs, at.transform)
        assert file.overviews(1) == [2, 4, 8]
        assert (file.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG") == cog
        np.testing.assert_allclose(file.scales, 1 / 255)
        largest = np.nan_to_num(of_classes.read()).max(0)
        np.testing.assert_array_equal(file.read(1), (largest * 255).round())


def test_the_tags_say_how_16_bit_pixels_were_stretched(model, tmp_path):
    pixels = write_geotiff(tmp_path / "a.tif", image(tmp_path, 50, 40)[[2, 1, 0, 0]].astype(np.uint16) * 16)
    predict_map(model, tmp_path / "a.tif", tmp_path / "map.tif", bands=[3, 2, 1], stretch=(0, 100))
    low, high = pixels[2::-1].min((1, 2)), pixels[2::-1].max((1, 2))
    rgb = ((pixels[2::-1].transpose(1, 2, 0) - low) / (high - low) * 255).round().astype(np.uint8)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert (file.read(1) == label_image(model, rgb)).all()
        assert (file.tags()["BANDS"], file.tags()["STRETCH"]) == ("3,2,1", "0,100")
        limits = ", ".join(f"{a} to {b}" for a, b in zip(low, high, strict=True))
        assert file.tags()["STRETCH_LIMITS"] == limits


def test_a_truncated_image_leaves_nothing_behind(model, tmp_path):
    write_geotiff(tmp_path / "a.tif", np.random.default_rng(0).integers(256, size=(3, 300, 200), dtype=np.uint8))
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "map.tif").write_bytes(b"before")
    before = sorted(tmp_path.iterdir())
    more = {"probabilities": tmp_path / "p.tif", "confidence": tmp_path / "c.tif"}
    with pytest.raises(LandcoverError, match=r"a\.tif: not readable as an image"):
        predict_map(model, tmp_path / "a.tif", tmp_path / "map.tif", WINDOWED, **more)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "map.tif").read_bytes() == b"before"


def test_confidence_never_replaces_the_image(model, tmp_path):
    write_geotiff(tmp_path / "a.tif", image(tmp_path, 40, 30))
    with pytest.raises(LandcoverError, match=r"a\.tif: an input, which would be replaced"):
        predict_map(model, tmp_path / "a.tif", tmp_path / "map.tif", confidence=tmp_path / "a.tif")
