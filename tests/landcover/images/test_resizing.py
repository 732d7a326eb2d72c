import numpy as np
import pytest

from landcover.images.image_spec import PIXEL_TYPES
from landcover.images.resizing import area_mean, nearest, scale_down


def test_scaling_down_averages_areas():
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[:2, :2] = [[[0], [100]], [[100], [200]]]
    assert scale_down(rgb, 0.5).shape == (2, 3, 3)
    assert scale_down(rgb, 0.5)[0, 0].tolist() == [100, 100, 100]
    assert scale_down(rgb, 1.0) is rgb
    assert scale_down(rgb, 0.01).shape == (1, 1, 3)


@pytest.mark.parametrize("size", [(3, 5), (4, 6), (7, 11), (12, 18), (1, 1)])
def test_the_nearest_pixel_is_the_one_under_the_centre(size):
    labels = np.arange(4 * 6).reshape(4, 6)
    resized = nearest(labels, size)
    assert resized.shape == size
    for row, column in np.ndindex(size):
        assert resized[row, column] == labels[(2 * row + 1) * 4 // (2 * size[0]), (2 * column + 1) * 6 // (2 * size[1])]


def test_bands_stay_together_and_nothing_is_copied_at_full_size():
    rgb = np.random.default_rng(0).integers(256, size=(4, 6, 3), dtype=np.uint8)
    assert nearest(rgb, (2, 3)).tolist() == rgb[1::2, 1::2].tolist()
    assert nearest(rgb, (4, 6)) is rgb


@pytest.mark.parametrize("dtype", PIXEL_TYPES)
@pytest.mark.parametrize("bands", [1, 3, 4])
def test_any_type_and_any_bands_are_averaged(dtype, bands):
    pixels = np.random.default_rng(0).integers(0, 120, size=(6, 8, bands)).astype(dtype)
    mean = pixels.astype(float).reshape(3, 2, 4, 2, bands).mean((1, 3))
    scaled = scale_down(pixels, 0.5)
    assert scaled.dtype == pixels.dtype
    assert np.abs(scaled - mean).max() <= {"f": 1e-4, "u": 0.51, "i": 0.51}[scaled.dtype.kind] + 0.5 * (
        scaled.dtype == np.uint8
    )  # rounded twice
    assert scale_down(pixels, 1.0) is pixels


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32"])
def test_the_largest_and_smallest_integers_stay_what_they_are(dtype):
    limits = np.iinfo(dtype)
    pixels = np.stack([np.full((4, 4), limits.max, dtype), np.full((4, 4), limits.min, dtype)], 2)
    assert (area_mean(pixels, (2, 2)) == pixels[:2, :2]).all()


def test_a_box_is_a_part_of_an_image():
    pixels = np.arange(24, dtype=np.float32).reshape(6, 4, 1)
    assert area_mean(pixels, (1, 2), (0, 2, 4, 4)).ravel().tolist() == [10.5, 12.5]
