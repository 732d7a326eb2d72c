from itertools import pairwise

import numpy as np
import pytest

from landcover.images.pairs import scale_down
from landcover.inference.strips import ArrayStrips, ScaledStrips, sliding


def noise(height, width):
    return np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.3])
@pytest.mark.parametrize("size", [(1, 1), (90, 64), (97, 131), (200, 1)])
def test_scaled_rows_are_those_of_the_whole_image_scaled(size, scale):
    image = noise(*size)
    rows, whole = ScaledStrips(ArrayStrips(image), scale), scale_down(image, scale)
    assert (rows.height, rows.width) == whole.shape[:2]
    assert (rows.read(0, rows.height) == whole).all()
    cuts = sorted({0, rows.height // 3, rows.height // 2, rows.height})
    bands = [rows.read(top, bottom) for top, bottom in pairwise(cuts)]
    # A border between two rows may halve a row of the source; to which it goes is up to rounding.
    assert (np.concatenate(bands) == whole).all((1, 2)).mean() >= 1 - 2 / rows.height


def test_what_stretches_share_is_read_once():
    image, asked = noise(20, 4), []

    class Watched(ArrayStrips):
        def read(self, top, bottom):
            asked.append((top, bottom))
            return super().read(top, bottom)

    stretches = [(0, 8), (5, 13), (13, 16), (14, 20)]
    bands = list(sliding(Watched(image), stretches))
    for (top, bottom), band in zip(stretches, bands, strict=True):
        assert (band == image[top:bottom]).all()
    assert asked == [(0, 8), (8, 13), (13, 16), (16, 20)]
