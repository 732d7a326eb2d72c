import numpy as np
import pytest
from scipy import stats

from landcover.scoring import bootstrap
from landcover.scoring.bootstrap import compare_images, mean_iou_interval, resampled_means
from landcover.scoring.scores import mean_iou
from landcover.system.errors import LandcoverError


def draw_images(rng, count, skill=0.7):
    """Confusion matrices (N, 4, 4) of images of 400 pixels of two or three classes, some of them hard."""
    images = np.zeros((count, 4, 4), int)
    for image in images:
        right = rng.beta(8 * skill, 8 * (1 - skill))
        for label, pixels in enumerate(rng.multinomial(400, rng.dirichlet((2, 2, 1)))):
            wrong = (1 - right) / 3
            image[label] = rng.multinomial(pixels, [right if i == label else wrong for i in range(4)])
    return images


def by_name(images):
    return {f"{i:04d}": image for i, image in enumerate(images)}


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    truth = mean_iou(draw_images(rng, 5000).sum(0))
    hits = 0
    for trial in range(200):
        low, high = mean_iou_interval(by_name(draw_images(rng, 60)), 300, trial)
        hits += low <= truth <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    images = by_name(draw_images(np.random.default_rng(0), 20))
    assert mean_iou_interval(images, 200, 1) == mean_iou_interval(images, 200, 1)
    assert mean_iou_interval(images, 200, 1) != mean_iou_interval(images, 200, 2)


def test_neither_the_memory_given_nor_the_number_of_images_in_it_changes_the_numbers(monkeypatch):
    images = by_name(draw_images(np.random.default_rng(0), 20))
    interval = mean_iou_interval(images, 200, 1)
    monkeypatch.setattr(bootstrap, "_COUNTS_AT_ONCE", 61)
    assert mean_iou_interval(images, 200, 1) == interval


def test_a_resample_is_scored_as_a_set_of_its_images():
    images = draw_images(np.random.default_rng(0), 5)
    rng = np.random.default_rng(3)
    means = []
    for _ in range(100):
        drawn = np.repeat(np.arange(5), rng.multinomial(5, [0.2] * 5))
        means.append(mean_iou(sum(images[i] for i in drawn)))
    beyond = stats.norm.cdf(-stats.t.ppf(0.975, 4) * np.sqrt(5 / 4))  # Hesterberg 2015
    expected = np.quantile(means, (beyond, 1 - beyond))
    np.testing.assert_allclose(mean_iou_interval(by_name(images), 100, 3), expected)


def test_the_mean_lies_within_and_more_images_narrow_the_interval():
    images = draw_images(np.random.default_rng(0), 400)
    widths = []
    for count in (25, 400):
        low, high = mean_iou_interval(by_name(images[:count]), 500, 0)
        assert low < mean_iou(images[:count].sum(0)) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_a_single_image_has_no_interval_and_no_verdict():
    (a, b) = draw_images(np.random.default_rng(0), 2)
    assert mean_iou_interval({"a": a}, 100, 0) == (None, None)
    difference = compare_images({"a": a}, {"a": b}, 100, 0)
    assert difference.low is difference.high is difference.share_a_better is None
    assert difference.difference == mean_iou(a) - mean_iou(b)
    assert difference.verdict == "too few images for a verdict: 1, at least 6 are needed"


@pytest.mark.parametrize(
    ("count", "verdict"), [(2, "too few"), (5, "too few"), (6, "A is better"), (10, "A is better")]
)
def test_a_verdict_needs_six_images_however_large_the_difference(count, verdict):
    rng = np.random.default_rng(0)
    a, b = draw_images(rng, count, skill=0.95), draw_images(rng, count, skill=0.3)
    difference = compare_images(by_name(a), by_name(b), 2000, 0)
    assert difference.verdict.startswith(verdict)
    assert (difference.low > 0) == (count >= 6)  # what the interval says and the verdict are the same


def test_intervals_of_few_images_are_wider_than_the_percentiles():
    images = draw_images(np.random.default_rng(0), 200)
    for count, least in ((5, 1.2), (30, 1.0)):
        low, high = mean_iou_interval(by_name(images[:count]), 2000, 0)
        plain = np.quantile(resampled_means(images[:count], 2000, 0), (0.025, 0.975))
        assert high - low > least * np.ptp(plain)


def test_without_any_class_there_is_no_interval():
    only_unknown = np.zeros((4, 4), int)
    only_unknown[3, 3] = 9
    assert mean_iou_interval({"a": only_unknown}, 100, 0) == (None, None)
    difference = compare_images({"a": only_unknown}, {"a": only_unknown}, 100, 0)
    assert difference.difference is difference.low is difference.share_a_better is None
    many = compare_images(*[{str(i): only_unknown for i in range(9)}] * 2, 100, 0)
    assert many.difference is many.low is many.share_a_better is None
    assert many.verdict == "no verdict: the masks have no pixel that can be scored"


def slightly_worse(images, rng):
    """The same images, a twentieth of whose right pixels are now wrong."""
    worse = images.copy()
    for image in worse:
        for label in range(3):
            lost = rng.binomial(image[label, label], 0.05)
            image[label, label] -= lost
            image[label, (label + 1) % 3] += lost
    return worse


def test_pairing_finds_a_difference_that_two_intervals_hide():
    rng = np.random.default_rng(0)
    a = draw_images(rng, 60)
    b = slightly_worse(a, rng)
    difference = compare_images(by_name(a), by_name(b), 1000, 0)
    assert difference.verdict == "A is better by more than chance"
    assert difference.share_a_better == 1
    assert 0 < difference.low < difference.difference < difference.high
    assert difference.difference == difference.mean_iou_a - difference.mean_iou_b
    a_low, _ = mean_iou_interval(by_name(a), 1000, 0)
    _, b_high = mean_iou_interval(by_name(b), 1000, 0)
    assert a_low < b_high
    mirrored = compare_images(by_name(b), by_name(a), 1000, 0)
    assert mirrored.verdict == "B is better by more than chance"
    assert (mirrored.low, mirrored.high, mirrored.share_a_better) == (-difference.high, -difference.low, 0)


def test_equals_do_not_differ():
    images = by_name(draw_images(np.random.default_rng(0), 10))
    difference = compare_images(images, images, 100, 0)
    assert (difference.difference, difference.low, difference.high, difference.share_a_better) == (0, 0, 0, 0)
    assert difference.verdict == "no difference beyond chance at 95 %"


def of_like_error(images, rng):
    """Another prediction of the same images, as good as theirs: it errs alike, and by chance more or less."""
    pixels = images.sum(-1, keepdims=True)
    shares = rng.standard_gamma(10 * (images / np.maximum(pixels, 1)))
    return np.round(shares / np.maximum(shares.sum(-1, keepdims=True), 1e-9) * pixels).astype(int)


@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("count", [1, 2, 5, 6, 10, 31])
def test_predictions_of_equal_quality_are_rarely_told_apart(count, alike):
    rng = np.random.default_rng(count)
    trials = 300 if count < 31 else 200
    found = 0
    for trial in range(trials):
        if alike:
            a, b = [of_like_error(images, rng) for images in [draw_images(rng, count)] * 2]
        else:
            a, b = draw_images(rng, count), draw_images(rng, count)
        difference = compare_images(by_name(a), by_name(b), 300, trial)
        found += "is better" in difference.verdict
        if count >= 6:
            assert ("is better" in difference.verdict) == (not difference.low <= 0 <= difference.high)
    assert found / trials <= 0.07


def test_one_image_that_differs_among_many_is_no_difference():
    images = draw_images(np.random.default_rng(0), 20)
    other = images.copy()
    other[7] = 0
    other[7, 0, 1] = images[7].sum()
    difference = compare_images(by_name(images), by_name(other), 1000, 0)
    assert difference.difference > 0
    assert difference.verdict == "no difference beyond chance at 95 %"
    assert difference.low <= 0 <= difference.high


def test_only_images_of_both_are_compared():
    a, b = (by_name(draw_images(np.random.default_rng(seed), 10)) for seed in (0, 1))
    b["other"] = b.pop("0003")
    assert compare_images(a, b, 100, 0).images == 9
    with pytest.raises(LandcoverError, match="no image is in both"):
        compare_images(a, {"other": b["other"]}, 100, 0)
