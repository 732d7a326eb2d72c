import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from landcover.inference import upsampling
from landcover.inference.regions import Region
from landcover.inference.upsampling import source_region, upsample_strips


@pytest.mark.parametrize("heights", [[1], [7], [3, 4], [1, 1, 1, 4], [6, 1]])
@pytest.mark.parametrize("factor", [1, 1.5, 2, 3.7])
@pytest.mark.parametrize("chunk", [upsampling.CHUNK, 20])  # all at once; one to four rows at once
def test_strips_are_upsampled_as_the_whole_would_be(heights, factor, chunk, monkeypatch):
    monkeypatch.setattr(upsampling, "CHUNK", chunk)
    size = (sum(heights), 5)
    full = (round(size[0] * factor), round(size[1] * factor))
    image = torch.rand(2, *size)
    strips = list(upsample_strips(iter(image.split(heights, 1)), size, full, Region(0, full[0], 0, full[1])))
    whole = functional.interpolate(image[None], full, mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(torch.cat(strips, 1), whole)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.tuples(st.integers(1, 40), st.integers(1, 40)), st.floats(1, 4), st.integers(1, 2000))
def test_upsampled_pixels_are_the_same_whatever_region_is_wanted(data, size, factor, chunk):
    full = round(size[0] * factor), round(size[1] * factor)
    image = torch.rand(3, *size)
    (whole,) = upsample_strips(iter([image]), size, full, Region(0, full[0], 0, full[1]))
    (top, bottom), (left, right) = (
        sorted(data.draw(st.lists(st.integers(0, length), min_size=2, max_size=2, unique=True))) for length in full
    )
    region = Region(top, bottom, left, right)
    needed = source_region(region, size, full)
    strips = image[:, *needed.inside].split(data.draw(st.integers(1, 9)), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upsampling, "CHUNK", chunk)
        part = torch.cat(list(upsample_strips(iter(strips), size, full, region)), 1)
    assert (part == whole[:, *region.inside]).all()
