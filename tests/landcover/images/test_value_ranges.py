from dataclasses import replace

import numpy as np
import pytest

from landcover.images.image_spec import ImageSpec
from landcover.images.value_ranges import unusual_values, warning_of_values

IMAGES = ImageSpec(("red", "nir"), "uint16", (900.0, 2500.0), (300.0, 600.0), (200.0, 1000.0), (3200.0, 5000.0))


def sample(low, high):
    return np.linspace(low, high, 99)


@pytest.mark.parametrize(
    ("red", "nir", "what"),
    [
        (sample(200, 3200), sample(1000, 5000), None),
        (sample(2000, 9000), sample(5000, 9900), None),  # bright, within the margin
        (sample(0.02, 0.32), sample(0.1, 0.5), "its values hardly vary, in its band red from 0.026 to 0.314"),
        (sample(500, 510), sample(1000, 5000), None),  # one even band
        (sample(200, 3200), sample(7000, 12000), "of its band nir, the median is 9500"),
        (sample(-9000, 0), sample(1000, 5000), "of its band red, the median is -4500"),
        (sample(0, 1)[:0], sample(1000, 5000), None),
    ],
)
def test_values_in_another_unit_are_unusual(red, nir, what):
    assert unusual_values([red, nir], IMAGES) == what


def test_of_8_bits_or_without_percentiles_nothing_is_unusual():
    values = [sample(-1e9, 0)] * 2
    assert unusual_values(values, replace(IMAGES, dtype="uint8")) is None
    assert unusual_values(values, replace(IMAGES, low=None, high=None)) is None


def test_the_warning_says_what_the_model_was_trained_on():
    line = warning_of_values("a.tif", [sample(0.02, 0.32), sample(0.1, 0.5)], IMAGES)
    assert line.startswith("a.tif: its values hardly vary")
    assert "the model was trained on red 200 to 3200, nir 1000 to 5000, so check the map" in line
