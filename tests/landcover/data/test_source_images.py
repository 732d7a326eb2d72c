from pathlib import Path

import numpy as np
import pytest
from conftest import write_geotiff
from PIL import Image
from raster_pairs import draw_raster_pair

from landcover.data.source_images import SourceHeader, check_alike, read_header, read_image
from landcover.images.image_spec import ImageSpec
from landcover.system.errors import LandcoverError


def test_an_ordinary_image_is_rgb(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a_sat.png")
    assert read_header(tmp_path / "a_sat.png", None) == ((4, 5), "uint8", ("red", "green", "blue"))
    image, valid = read_image(tmp_path / "a_sat.png", None)
    np.testing.assert_array_equal(image, pixels)
    assert valid is None


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32", "float64"])
def test_bands_keep_their_type_and_the_order_asked_for(tmp_path, dtype):
    draw_raster_pair(tmp_path, "a", 4, dtype, size=(20, 30))
    kept = "float32" if dtype == "float64" else dtype
    assert read_header(tmp_path / "a_sat.tif", ["nir", 1]) == ((20, 30), kept, ("nir", "blue"))
    image, _ = read_image(tmp_path / "a_sat.tif", ["nir", 1])
    all_bands, _ = read_image(tmp_path / "a_sat.tif", [1, 2, 3, 4])
    assert (image.shape, image.dtype) == ((20, 30, 2), np.dtype(kept))
    np.testing.assert_array_equal(image, all_bands[..., [3, 0]])


@pytest.mark.parametrize(
    ("dtype", "hole", "options"),
    [
        ("uint16", 0, {"nodata": 0}),
        ("int16", -9999, {"nodata": -9999}),
        ("float32", np.nan, {}),
        ("float64", np.inf, {}),
    ],
)
def test_pixels_without_data_have_the_mean_of_the_others(tmp_path, dtype, hole, options):
    draw_raster_pair(tmp_path, "a", 4, dtype, hole=hole, **options)
    image, valid = read_image(tmp_path / "a_sat.tif", [1, 2, 3, 4])
    assert not valid[:5, :7].any()
    assert valid[5:].mean() > 0.99
    assert np.isfinite(image).all()
    mean = image[valid].mean(0, dtype=float)
    np.testing.assert_allclose(image[:5, :7], np.broadcast_to(mean, (5, 7, 4)), rtol=1e-5, atol=0.5 * (dtype[0] != "f"))


def test_float64_beyond_float32_is_no_data(tmp_path):
    pixels = np.ones((1, 3, 3))
    pixels[0, 1, 1] = 1e300
    write_geotiff(tmp_path / "a.tif", pixels)
    image, valid = read_image(tmp_path / "a.tif", [1])
    assert (image == 1).all()
    assert not valid[1, 1]
    assert valid.sum() == 8


def test_images_without_data_are_refused_and_the_band_is_named(tmp_path):
    pixels = np.zeros((2, 3, 3), np.float32)
    pixels[1] = np.nan
    write_geotiff(tmp_path / "a.tif", pixels)
    with pytest.raises(LandcoverError, match=r"a\.tif: no pixel of the band band 2 has data\. Remove the pair"):
        read_image(tmp_path / "a.tif", [1, 2])
    write_geotiff(tmp_path / "b.tif", np.zeros((2, 3, 3), np.uint16), nodata=0)
    with pytest.raises(LandcoverError, match=r"b\.tif: no pixel has data\. Remove the pair"):
        read_image(tmp_path / "b.tif", [1, 2])


@pytest.mark.parametrize(
    ("bands", "dtype", "problem", "options"),
    [
        ([1], "uint8", "its pixels are indices into a palette", {"photometric": "palette"}),
        ([1], "complex64", "its pixels are complex numbers", {}),
        ([1], "int64", "its pixels are int64, not uint8", {}),
        ([1, 9], "uint16", ".* no band 9; wanted: band 1, band 9; the file has: 1", {}),
        (["red"], "uint16", ".*red.*wanted: red; the file has: ", {}),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, bands, dtype, problem, options):
    write_geotiff(tmp_path / "a.tif", np.zeros((1, 3, 3), dtype), **options)
    with pytest.raises(LandcoverError, match=rf"^{tmp_path}/a\.tif: {problem}") as error:
        read_header(tmp_path / "a.tif", bands)
    assert len(error.value.lines) == 1


def test_one_band_by_two_names_is_refused(tmp_path):
    draw_raster_pair(tmp_path, "a", 4)
    with pytest.raises(
        LandcoverError, match=r"3 and red are the same band; wanted: band 3, red; the file has: 1 'blue'"
    ):
        read_header(tmp_path / "a_sat.tif", [3, "red"])


def alike(*headers, like=None):
    paths = [Path(f"{i}_sat.tif") for i in range(len(headers))]
    return check_alike(paths, [SourceHeader((1, 1), *header) for header in headers], like)


def test_images_of_other_type_or_other_bands_than_the_rest_are_listed():
    usual = ("uint16", ("red", "nir"))
    assert alike(usual, usual).bands == ("red", "nir")
    with pytest.raises(LandcoverError) as error:
        alike(usual, ("uint8", ("red", "nir")), usual, ("uint16", ("nir", "red")))
    first, second = str(error.value).splitlines()
    assert first == "1_sat.tif: its pixels are uint8, those of 0_sat.tif uint16. Convert all to one type."
    assert second.startswith("3_sat.tif: its bands are nir, red, those of 0_sat.tif red, nir. Choose the bands by")


def test_bands_chosen_by_number_have_the_names_that_any_of_the_files_has():
    spec = alike(("uint8", ("band 3", "band 1")), ("uint8", ("red", "nir")), ("uint8", ("band 3", "nir")))
    assert spec.bands == ("red", "nir")
    with pytest.raises(LandcoverError, match=r"1_sat\.tif: its bands are band 3, red, those of 0_sat\.tif red, nir"):
        alike(("uint8", ("red", "nir")), ("uint8", ("band 3", "red")))


def test_validation_images_must_be_as_the_training_images():
    like = ImageSpec(("red", "nir"), "uint16", (3, 4), (1, 1), (0, 0), (9, 9))
    assert alike(("uint16", ("red", "nir")), like=like) == like
    with pytest.raises(LandcoverError, match=r"pixels are uint8, those of the training images uint16"):
        alike(("uint8", ("red", "nir")), like=like)
