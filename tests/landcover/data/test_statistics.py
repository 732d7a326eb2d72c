import numpy as np
import pytest

from landcover.data.statistics import statistics_of


def figures(images, masks=None):
    """Of images that are added one by one."""
    total, count = None, sum(image[..., 0].size for image in images)
    for seed, image in enumerate(images):
        part = statistics_of(image, masks and masks[seed], seed, image[..., 0].size / count)
        if total is None:
            total = part
        else:
            total.add(part)
    return total.figures()


def draw(dtype, bands=4, height=60):
    rng = np.random.default_rng(height)
    values = rng.gamma(2, 20, (height, 50, bands)) * np.arange(1, bands + 1) / 2
    lowest = -40 if np.dtype(dtype).kind != "u" else 0
    return (values + lowest).clip(-128, 100 if dtype == "int8" else 255).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"])
def test_they_are_those_of_all_pixels_together(dtype):
    images = [draw(dtype, height=height) for height in (10, 61, 300)]
    pixels = np.concatenate([image.reshape(-1, 4) for image in images]).astype(float)
    found = figures(images)
    np.testing.assert_allclose(found.mean, pixels.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found.std, pixels.std(0), rtol=1e-6)
    if np.dtype(dtype).kind != "f" and np.dtype(dtype).itemsize <= 2:
        low, high = np.percentile(pixels, (2, 98), axis=0, method="inverted_cdf")
        assert (found.low, found.high) == (tuple(low), tuple(high))
    for limit, share in ((found.low, 0.02), (found.high, 0.98)):
        assert ((pixels < limit).mean(0) <= share + 0.002).all()
        assert ((pixels <= limit).mean(0) >= share - 0.002).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pixels_that_are_not_valid_count_nowhere(dtype):
    image = draw(dtype, bands=3)
    valid = np.random.default_rng(0).random(image.shape[:2]) < 0.5
    kept = image[valid][None]
    changed = np.where(valid[..., None], image, image.max())
    assert figures([changed], [valid])[:2] == figures([kept])[:2]


def test_of_rgb_bytes_they_are_the_same_with_and_without_a_mask():
    image = draw("uint8", bands=3)
    assert figures([image]) == figures([image], [np.ones(image.shape[:2], bool)])


def test_numbers_far_from_zero_keep_their_deviation():
    image = 1e6 + np.random.default_rng(0).integers(3, size=(500, 700, 1)).astype("float32")
    assert figures([image]).std[0] == pytest.approx(image.astype(float).std(), rel=1e-6)


def test_a_constant_band_deviates_by_nothing():
    assert figures([np.full((40, 50, 2), 0.1, "float32")]).std == (0, 0)
