import numpy as np
import pytest

from landcover.images.resizing import nearest, scale_down


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
