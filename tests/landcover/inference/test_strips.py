import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.images.resizing import scale_down
from landcover.inference.strips import ArrayStrips, ScaledStrips, overlapping_strips


def noise(height, width):
    return np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
@pytest.mark.parametrize("size", [(1, 1), (90, 64), (97, 131), (200, 1)])
def test_scaled_strips_are_those_of_the_whole_image_scaled(size, scale):
    image = noise(*size)
    strips, whole = ScaledStrips(ArrayStrips(image), scale), scale_down(image, scale)
    assert (strips.height, strips.width) == whole.shape[:2]
    # A border between two rows or columns may cut one of the source in half; rounding decides to which it belongs.
    differs = (strips.read(0, strips.height) != whole).any(2)
    assert differs.all(1).sum() <= 2
    assert differs.all(0).sum() <= 2
    assert not differs[~differs.all(1)][:, ~differs.all(0)].any()


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 90), st.integers(1, 700)),
    st.floats(0.1, 1),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_scaled_pixels_are_the_same_whatever_is_read(size, scale, shares):
    strips = ScaledStrips(ArrayStrips(noise(*size)), scale)
    whole = strips.read(0, strips.height)
    top, bottom = sorted(round(share * strips.height) for share in shares[:2])
    left, right = sorted(round(share * strips.width) for share in shares[2:])
    bottom, right = max(bottom, top + 1), max(right, left + 1)
    if bottom <= strips.height and right <= strips.width:
        assert (strips.read(top, bottom, left, right) == whole[top:bottom, left:right]).all()


def test_rows_that_strips_share_are_read_once():
    image, asked = noise(20, 4), []

    class Watched(ArrayStrips):
        def read(self, top, bottom, left=0, right=None):
            asked.append((top, bottom, left, right))
            return super().read(top, bottom, left, right)

    stretches = [(0, 8), (5, 13), (13, 16), (14, 20)]
    strips = list(overlapping_strips(Watched(image), stretches, 1, 3))
    for (top, bottom), strip in zip(stretches, strips, strict=True):
        assert (strip == image[top:bottom, 1:3]).all()
    assert asked == [(0, 8, 1, 3), (8, 13, 1, 3), (13, 16, 1, 3), (16, 20, 1, 3)]
