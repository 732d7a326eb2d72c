"""Images of any bands and pixel types, from a GeoTIFF to its map."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
import torch
from conftest import TABLE, landcover, write_geotiff

from landcover.geo.maps import predict_map
from landcover.images.image_spec import ImageSpec
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_image
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build
from landcover.rasters.scenes import find_scenes
from landcover.system.errors import LandcoverError

NAMES = ("coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08", "nir09")
NAMES += ("cirrus", "swir16", "swir22")
MOST = {"uint8": 255, "uint16": 9000, "float32": 1.5}
NODATA = {"uint8": 0, "uint16": 0, "float32": -9999}
LARGE = InferenceOptions(window=256)
SMALL = InferenceOptions(window=64)


def scene(count, dtype, height=70, width=90):
    """Pixels (B, H, W) that change slowly, none of them 0."""
    coarse = np.random.default_rng(0).random((count, height // 10 + 1, width // 10 + 1))
    shares = coarse.repeat(10, 1).repeat(10, 2)[:, :height, :width]
    return (MOST[dtype] * (0.02 + 0.9 * shares)).astype(dtype)


def model_of(count, dtype, names=NAMES):
    """An untrained model whose classes are about equally frequent in `scene`."""
    pixels = scene(count, dtype).astype(float) / (255 if dtype == "uint8" else 1)
    low, high = ((MOST[dtype] * share,) * count for share in (0.02, 0.92))
    mean, std = (tuple(map(float, values)) for values in (pixels.mean((1, 2)), pixels.std((1, 2))))
    images = ImageSpec(tuple(names[:count]), dtype, mean, std, low, high)
    torch.manual_seed(0)
    network = build(Architecture("fcn1s", "resnet18"), len(TABLE), images).eval()
    score = network.decoder.pixel_score[-1]
    with torch.no_grad():
        torch.nn.init.normal_(score.weight)  # so that its classes depend on each pixel
        score.bias -= network(torch.from_numpy(pixels).float()[None]).mean((0, 2, 3))
    return Model(network, TABLE, 1.0)


def write(path, pixels, names=(), **options):
    path.parent.mkdir(exist_ok=True)
    write_geotiff(path, pixels, **options)
    with rasterio.open(path, "r+") as file:
        for band, name in enumerate(names, 1):
            file.set_band_description(band, name)


def drawn(model, path, **options):
    predict_map(model, path, path.with_name("map.tif"), **options)
    with rasterio.open(path.with_name("map.tif")) as file:
        return file.read(1)


@pytest.mark.parametrize("dtype", MOST)
@pytest.mark.parametrize("count", [1, 4, 10, 13])
def test_maps_are_the_labels_of_the_array_whatever_the_order_of_the_bands(count, dtype, tmp_path):
    model, pixels, path = model_of(count, dtype), scene(count, dtype), tmp_path / "a.tif"
    expected = label_image(model, pixels.transpose(1, 2, 0), LARGE)
    assert len(np.unique(expected)) == 3
    write(path, pixels, NAMES[:count])
    assert (drawn(model, path, options=LARGE) == expected).all()
    assert (drawn(model, path, options=SMALL) == expected).mean() > 0.9
    order = np.random.default_rng(1).permutation(count)
    write(path, pixels[order], [NAMES[i].upper() for i in order])
    assert (drawn(model, path, options=LARGE) == expected).all()
    swapped = label_image(model, pixels[::-1].transpose(1, 2, 0), LARGE)
    assert count == 1 or (swapped == expected).mean() < 0.9
    write(path, pixels[order])
    with pytest.raises(LandcoverError, match=r"a\.tif: its bands are not those that are wanted .* wanted: coastal"):
        drawn(model, path)
    assert (drawn(model, path, options=LARGE, bands=[*(np.argsort(order) + 1).tolist()]) == expected).all()


@pytest.mark.parametrize("dtype", MOST)
def test_pixels_without_data_have_no_class_and_do_not_change_others_far_away(dtype, tmp_path):
    model, pixels, path = model_of(4, dtype), scene(4, dtype), tmp_path / "a.tif"
    expected = label_image(model, pixels.transpose(1, 2, 0), LARGE)
    pixels[:, :9] = NODATA[dtype]
    pixels[2, 60:, 5] = NODATA[dtype]  # in one band
    if dtype == "float32":
        pixels[0, 30, 80], pixels[3, 31, 80] = np.nan, np.inf
    write(path, pixels, NAMES[:4], nodata=NODATA[dtype])
    labels = drawn(model, path, options=LARGE)
    missing = (pixels == NODATA[dtype]).any(0) | ~np.isfinite(pixels.astype(float)).all(0)
    assert ((labels == 255) == missing).all()
    assert (labels == expected)[~missing].mean() > 0.85
    if dtype == "float32":
        array = np.where(pixels == -9999, np.float32(np.nan), pixels).transpose(1, 2, 0)
        assert (label_image(model, array, LARGE) == labels).all()


def test_a_file_that_lacks_a_band_is_refused_with_both_lists(tmp_path):
    model = model_of(4, "uint16")
    write(tmp_path / "a.tif", scene(4, "uint16"), ["red", "green", "blue", "nir"])
    with pytest.raises(
        LandcoverError,
        match=r"a\.tif: .*wanted: coastal, blue, green, red; the file has: 1 'red', 2 'green', 3 'blue', 4 'nir'",
    ) as error:
        drawn(model, tmp_path / "a.tif")
    assert "--bands" in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "map.tif").exists()


def test_bands_that_were_unnamed_in_training_are_found_by_number_in_unnamed_files(tmp_path):
    model = model_of(2, "uint16", ("band 3", "band 1"))
    pixels = scene(3, "uint16")
    expected = label_image(model, pixels[[2, 0]].transpose(1, 2, 0), LARGE)
    write(tmp_path / "a.tif", pixels)
    assert (drawn(model, tmp_path / "a.tif", options=LARGE) == expected).all()
    write(tmp_path / "a.tif", pixels, ["red", "green", "nir"])
    with pytest.raises(LandcoverError, match="wanted: band 3, band 1; the file has: 1 'red'"):
        drawn(model, tmp_path / "a.tif")


def test_8_bits_and_other_types_are_not_taken_for_each_other(tmp_path):
    for own, other in (("uint8", "uint16"), ("uint16", "uint8"), ("float32", "uint8")):
        model = model_of(4, own)
        write(tmp_path / "a.tif", scene(4, other), NAMES[:4])
        message = rf"a\.tif: its pixels are {other}, those of the model's training images {own}\. .*--stretch image"
        with pytest.raises(LandcoverError, match=message):
            drawn(model, tmp_path / "a.tif")
        expected = label_image(model, scene(4, own).transpose(1, 2, 0))
        assert (drawn(model, tmp_path / "a.tif", stretch="image") == expected).mean() > 0.8


def test_of_other_types_the_values_count(tmp_path):
    model = model_of(4, "uint16")
    expected = label_image(model, scene(4, "uint16").transpose(1, 2, 0))
    for dtype in ("int32", "float64", "int16"):
        write(tmp_path / "a.tif", scene(4, "uint16").astype(dtype), NAMES[:4])
        assert (drawn(model, tmp_path / "a.tif") == expected).all()


def test_values_in_another_unit_are_a_warning_once_a_file(tmp_path, capsys):
    model = model_of(4, "uint16")
    pixels = scene(4, "uint16")
    for name, values in (("a", pixels / np.float32(1e4)), ("b", pixels * np.float32(10)), ("c", pixels // 2)):
        write(tmp_path / f"{name}.tif", values, NAMES[:4])
        drawn(model, tmp_path / f"{name}.tif", options=SMALL)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"warning: {tmp_path}/a.tif: its values hardly vary, in its band coastal from 0.0")
    assert second.startswith(f"warning: {tmp_path}/b.tif: of its band coastal, the median is")
    assert "trained on coastal 180 to 8280, blue 180" in second
    assert second.endswith("or stretch their values (--stretch image)")
    drawn(model, tmp_path / "a.tif", stretch="image")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("dtype", MOST)
def test_images_are_scaled_in_their_own_type(dtype, tmp_path):
    model = replace(model_of(4, dtype), scale=0.5)
    pixels = scene(4, dtype, 140, 180)
    write(tmp_path / "a.tif", pixels, NAMES[:4])
    expected = label_image(model, pixels.transpose(1, 2, 0), LARGE)
    assert (drawn(model, tmp_path / "a.tif", options=LARGE) == expected).all()
    assert (drawn(model, tmp_path / "a.tif", options=SMALL) == expected).mean() > 0.9


def test_commands_take_models_of_any_bands(tmp_path):
    model, pixels = model_of(4, "uint16"), scene(4, "uint16")
    save_model(model, tmp_path / "m.safetensors")
    (tmp_path / "pairs").mkdir()
    write(tmp_path / "pairs" / "a_sat.tif", pixels[::-1], NAMES[3::-1])
    labels = label_image(model, pixels.transpose(1, 2, 0))
    landcover("predict", "pairs", "-m", "m.safetensors", "-o", "pairs/a_mask.png", folder=tmp_path)
    with rasterio.open(tmp_path / "pairs" / "a_mask.png") as file:
        assert (file.read(1) == labels).all()
    scores = landcover("validate", "pairs", "-m", "m.safetensors", folder=tmp_path)
    assert (scores.returncode, scores.stderr) == (0, "")
    assert "pixel_accuracy: 1.0" in scores.stdout
    swapped = landcover("validate", "pairs", "-m", "m.safetensors", "--bands", "1,2,3,4", folder=tmp_path)
    assert swapped.returncode == 0
    assert "pixel_accuracy: 1.0" not in swapped.stdout
    for bands, message in (
        ("1,2,3", r"number of bands asked for: 3. Choose 4, in the order of the model's: coastal, blue, green, red."),
        ("1,2,3,5", "no band 5; it has 1 to 4"),
    ):
        refused = landcover(
            "predict", "pairs/a_sat.tif", "-m", "m.safetensors", "-o", "maps", "--bands", bands, folder=tmp_path
        )
        assert refused.returncode == 1
        assert message in refused.stderr


def test_a_scene_of_one_file_a_band_is_mapped_as_one_file_is(tmp_path, capfd):
    model, pixels = model_of(4, "uint16", ("blue", "green", "red", "nir")), scene(4, "uint16")
    write(tmp_path / "all.tif", pixels, ("blue", "green", "red", "nir"))
    expected = drawn(model, tmp_path / "all.tif", options=LARGE, probabilities=tmp_path / "all_p.tif")
    capfd.readouterr()
    for band, number in zip(pixels, ("B02", "B03", "B04", "B08"), strict=True):
        write(tmp_path / "s2" / f"T33_{number}.tif", band[None])
    (bands,) = find_scenes(tmp_path, "s2")
    predict_map(model, bands, tmp_path / "map.tif", LARGE, probabilities=tmp_path / "p.tif", cog=True)
    with rasterio.open(tmp_path / "map.tif") as file, rasterio.open(tmp_path / "all.tif") as image:
        assert (file.read(1) == expected).all()
        assert (file.transform, file.crs) == (image.transform, image.crs)
    with rasterio.open(tmp_path / "p.tif") as file, rasterio.open(tmp_path / "all_p.tif") as other:
        assert (file.read() == other.read()).all()
    assert "s2/T33_B0*.tif: by their names, bands 1 (B02), 2 (B03), 3 (B04), 4 (B08) are used" in capfd.readouterr().err
    with pytest.raises(LandcoverError, match=r"T33_B03\.tif: an input, which would be replaced"):
        predict_map(model, bands, tmp_path / "s2" / "T33_B03.tif")
    (tmp_path / "s2" / "T33_B03.tif").write_bytes(b"II*\0")
    with pytest.raises(LandcoverError, match=r"T33_B03\.tif: not readable as an image"):
        predict_map(model, bands, tmp_path / "map.tif")
