import numpy as np
import pytest
from conftest import write_geotiff
from PIL import Image
from raster_pairs import NAMES, draw_raster_pair

from landcover.report.composites import draw_composite


def test_ordinary_images_are_shown_as_they_are(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    shown, described = draw_composite(tmp_path / "a.png", None)
    np.testing.assert_array_equal(shown, pixels)
    assert described == ""


def test_bands_called_red_green_and_blue_are_true_colours_whatever_their_order(tmp_path):
    draw_raster_pair(tmp_path, "a", 10, "uint8")
    shown, described = draw_composite(tmp_path / "a_sat.tif", ["nir", "blue", "red", "green"])
    expected, _ = draw_composite(tmp_path / "a_sat.tif", ["red", "green", "blue"])
    np.testing.assert_array_equal(shown, expected)
    assert described == ""
    with_numbers, _ = draw_composite(tmp_path / "a_sat.tif", [9, 3, 2, 1])
    np.testing.assert_array_equal(with_numbers, expected)


@pytest.mark.parametrize(
    ("bands", "described", "grey"),
    [
        (["nir", "swir16", "red", "blue"], "nir, swir16, red", False),
        (["nir", "red"], "nir as grey", True),
        (["blue"], "blue as grey", True),
    ],
    ids=str,
)
def test_without_these_the_first_bands_are_shown_and_named(tmp_path, bands, described, grey):
    draw_raster_pair(tmp_path, "a", 10, "uint16")
    shown, words = draw_composite(tmp_path / "a_sat.tif", bands)
    assert words == described
    assert shown.shape == (64, 64, 3)
    assert bool((shown == shown[..., :1]).all()) == grey


@pytest.mark.parametrize(("dtype", "hole"), [("uint16", 0), ("float32", np.nan)])
def test_other_types_than_bytes_are_stretched_and_pixels_without_data_are_black(tmp_path, dtype, hole):
    draw_raster_pair(tmp_path, "a", 4, dtype, hole=hole, nodata=hole)
    shown, _ = draw_composite(tmp_path / "a_sat.tif", list(NAMES[4]))
    assert shown.dtype == np.uint8
    assert not shown[:5, :7].any()
    for share in ((shown == 255).mean((0, 1)), (shown[5:] == 0).mean((0, 1))):
        assert (share < 0.04).all()
    assert (shown.max((0, 1)) == 255).all()


def test_bytes_are_not_stretched(tmp_path):
    pixels = write_geotiff(tmp_path / "a.tif", np.full((3, 4, 5), 100, np.uint8))
    shown, described = draw_composite(tmp_path / "a.tif", [3, 2, 1])
    np.testing.assert_array_equal(shown, pixels.transpose(1, 2, 0))
    assert described == ""
