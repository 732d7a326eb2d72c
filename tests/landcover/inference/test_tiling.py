from itertools import pairwise

import pytest
import torch

from landcover.inference.regions import Region
from landcover.inference.tiling import ALIGNMENT, Blender, windows

CASES = [(513, 512, 0.25), (1000, 128, 0.25), (225, 128, 0.0), (225, 96, 0.5), (300, 64, 0.89), (2000, 64, 0.25)]


@pytest.mark.parametrize("case", CASES)
def test_windows_cover_the_axis_aligned_with_the_network(case):
    length, window, overlap = case
    found = windows(*case)
    assert (found[0].start, found[-1].stop) == (0, length)
    assert all(w.start % ALIGNMENT == 0 for w in found)
    assert all(w.stop - w.start == window for w in found[:-1])
    assert window - ALIGNMENT < length - found[-1].start <= window
    for before, after in pairwise(found):
        assert before.start < after.start <= before.stop
        assert before.stop - after.start >= min(overlap * window, window - ALIGNMENT)


@pytest.mark.parametrize(("window", "least"), [(64, 32), (128, 64), (160, 80), (192, 96), (256, 96), (512, 128)])
def test_small_windows_overlap_by_a_minimum_number_of_pixels(window, least):
    for before, after in pairwise(windows(3000, window, 0.25)):
        assert before.stop - after.start >= least
    assert any(before.stop == after.start for before, after in pairwise(windows(3000, window, 0)))


@pytest.mark.parametrize("case", CASES)
def test_weights_add_up_to_one_and_are_never_negative(case):
    total = torch.zeros(case[0])
    for window in windows(*case):
        assert window.weight.min() >= 0
        total[window.start : window.stop] += window.weight
    torch.testing.assert_close(total, torch.ones(case[0]))


@pytest.mark.parametrize("length", [1, 31, 512])
def test_an_axis_that_fits_in_a_window_is_one_window_of_weight_1(length):
    (window,) = windows(length, 512, 0.25)
    assert (window.start, window.stop) == (0, length)
    assert (window.weight == 1).all()


def test_weights_fall_where_windows_overlap_and_not_towards_the_borders_of_the_image():
    first, second, *_ = windows(3000, 512, 0.25)
    assert (first.weight[:392] == 1).all()
    assert (first.weight[392:472].diff() < 0).all()
    assert (first.weight[472:] == 0).all()
    assert (second.weight[:40] == 0).all()
    assert (second.weight[40:120].diff() > 0).all()
    assert (second.weight[120:392] == 1).all()


def blended(length, width, window, overlap, score):
    """Blend the scores `score(row, column)` of all windows; return all rows."""
    blender, strips = Blender(Region(0, length, 0, width)), []
    rows, columns = windows(length, window, overlap), windows(width, window, overlap)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        for column in columns:
            blender.add(score(row, column), row, column)
        assert blender.sums.shape[1] <= window
        strips.append(blender.finish(following.start if following else length).clone())
    return torch.cat(strips, 1)


def test_windows_that_agree_give_back_the_image():
    image = torch.rand(2, 301, 170)
    cut = blended(301, 170, 64, 0.25, lambda row, column: image[:, row.start : row.stop, column.start : column.stop])
    torch.testing.assert_close(cut, image)


def test_windows_that_disagree_show_no_seam():
    def score(row, column):
        value = (row.start // 64 + column.start // 64) % 2
        return torch.full((1, row.stop - row.start, column.stop - column.start), float(value))

    result = blended(320, 320, 128, 0.25, score)
    assert (result.min(), result.max()) == (0, 1)
    steepest = torch.pi / 2 / 32  # of half a cosine over the middle half of an overlap of 64 pixels
    assert max(result.diff(dim=axis).abs().max() for axis in (1, 2)) < 1.01 * steepest


@pytest.mark.parametrize(("window", "overlap"), [(512, 192), (256, 128)])
def test_views_that_see_further_need_a_larger_overlap_of_up_to_half_a_window(window, overlap):
    for before, after in pairwise(windows(3000, window, 0.1, reach=2)):
        assert before.stop - after.start >= overlap
    assert min(before.stop - after.start for before, after in pairwise(windows(3000, window, 0.1))) < overlap
