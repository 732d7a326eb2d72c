import math

import numpy as np
import pytest

from landcover.inference.options import ALIGNMENT, InferenceOptions
from landcover.models.encoders import STRIDES
from landcover.system.errors import LandcoverError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tta": "d8"}, "tta = 'd8': should be one of none, flip, d4."),
        ({"tta": ["d4"]}, "tta = ['d4']: should be one of none, flip, d4."),
        ({"scales": ()}, "scales = (): should be different numbers from 0.25 to 4, at least one."),
        ({"scales": 2}, "scales = 2: should be different numbers from 0.25 to 4, at least one."),
        ({"scales": "1"}, "scales = '1': should be different numbers from 0.25 to 4, at least one."),
        ({"scales": [1, 0.2]}, "scales = [1, 0.2]: should be different numbers from 0.25 to 4, at least one."),
        ({"scales": [1, 1.0]}, "scales = [1, 1.0]: should be different numbers from 0.25 to 4, at least one."),
        ({"window": 100}, "window = 100: should be a multiple of 32, at least 64."),
        ({"window": 32}, "window = 32: should be a multiple of 32, at least 64."),
        ({"window": 512.0}, "window = 512.0: should be a multiple of 32, at least 64."),
        ({"overlap": 0.9}, "overlap = 0.9: should be a number from 0 to below 0.9."),
        ({"overlap": math.nan}, "overlap = nan: should be a number from 0 to below 0.9."),
        ({"overlap": "0.5"}, "overlap = '0.5': should be a number from 0 to below 0.9."),
        ({"batch_size": 0}, "batch_size = 0: should be a whole number, at least 1."),
        ({"batch_size": "8"}, "batch_size = '8': should be a whole number, at least 1."),
    ],
)
def test_an_impossible_option_is_an_error_that_says_what_is_possible(options, message):
    with pytest.raises(LandcoverError) as error:
        InferenceOptions(**options)
    assert str(error.value) == message


def test_numpy_numbers_are_accepted():
    InferenceOptions(window=np.int64(64), overlap=np.float32(0.5), batch_size=np.uint8(2))


def test_windows_are_aligned_with_the_coarsest_stride_of_the_networks():
    assert STRIDES[-1] == ALIGNMENT


def test_the_smallest_scale_sees_furthest():
    assert [InferenceOptions(scales=scales).reach for scales in ([1], [0.5, 1, 2], [2])] == [1, 2, 1]
