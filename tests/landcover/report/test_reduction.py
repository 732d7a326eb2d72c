import numpy as np
import pytest

from landcover.report import reduction
from landcover.report.reduction import area_means, find_reduction, middle_rows, middles


@pytest.mark.parametrize(("size", "factor"), [((10, 10), 1), ((1024, 3), 1), ((3, 1025), 2), ((5000, 100), 5)])
def test_the_longer_side_becomes_at_most_1024_pixels(size, factor):
    assert find_reduction(*size) == factor
    assert max(middles(np.zeros(size, np.uint8), factor).shape) <= 1024


def test_labels_are_those_of_the_pixels_in_the_middle():
    rows, columns = np.mgrid[:7, :8]
    assert middles(rows * 10 + columns, 3).tolist() == [[11, 14, 17], [41, 44, 47], [61, 64, 67]]


def test_rows_that_are_read_in_parts_are_reduced_as_the_whole(monkeypatch):
    monkeypatch.setattr(reduction, "_STRIP", 100)
    values = np.random.default_rng(0).integers(255, size=(50, 23), dtype=np.uint8)
    for factor in (1, 2, 3, 7):
        parts = middle_rows(lambda top, bottom: values[top:bottom], 50, 23, factor)
        assert (parts == middles(values, factor)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_images_are_means_of_areas_of_what_is_valid(dtype):
    pixels = np.arange(3 * 5 * 2).reshape(3, 5, 2).astype(dtype)
    means = area_means(pixels, 2)
    assert means.dtype == dtype and means.shape == (2, 3, 2)
    assert means[0, 0].tolist() == [6, 7] and means[1, 2].tolist() == [28, 29]
    valid = np.zeros((3, 5), bool)
    valid[0, 1] = True
    masked = area_means(pixels, 2, valid)
    assert masked[0, 0].tolist() == [2, 3] and masked[1:].max() == 0
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[0, 0] = 100
    assert area_means(rgb, 2)[0, 0].tolist() == [25, 25, 25]
