import numpy as np
import pytest
from PIL import Image

from landcover.images.resizing import area_means, nearest, scale_down


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


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"])
def test_means_of_areas_keep_the_pixel_type(dtype):
    kind = np.dtype(dtype)
    highest = np.iinfo(dtype).max if kind.kind != "f" else 1.5
    image = np.zeros((4, 6, 5), dtype)
    image[:2, :2], image[2:, 4:] = highest, 100
    image[3, 5] = 103
    means = scale_down(image, 0.5)
    assert (means.dtype, means.shape) == (kind, (2, 3, 5))
    assert (means[0, 0] == kind.type(highest)).all()
    assert means[1, 2].tolist() == [100.75 if kind.kind == "f" else 101] * 5
    assert not means[0, 1:].any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pixels_without_data_do_not_mix_with_others(dtype):
    image = np.full((5, 5, 2), 9, dtype)
    valid = np.ones((5, 5), bool)
    valid[:3, :3] = valid[4, 4] = False
    image[~valid] = 200
    means = scale_down(image, 0.4, valid)  # pixels of 2.5 x 2.5
    np.testing.assert_allclose(means[0, 0], 200)
    np.testing.assert_allclose(means[[0, 1, 1], [1, 0, 1]], 9)


def test_bytes_of_any_number_of_bands_are_scaled_as_rgb_is():
    image = np.random.default_rng(0).integers(256, size=(37, 53, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((32, 22), Image.Resampling.BOX))
    np.testing.assert_array_equal(scale_down(image, 0.6), expected)
    np.testing.assert_array_equal(scale_down(image[..., [2, 0, 1, 1]], 0.6), expected[..., [2, 0, 1, 1]])


def test_a_part_of_an_image_can_be_scaled_alone():
    image = np.arange(6 * 8 * 2, dtype="float32").reshape(6, 8, 2)
    part = area_means(image, (1, 4), box=(0, 2, 8, 4))
    np.testing.assert_allclose(part, scale_down(image, 0.5)[1:2])
