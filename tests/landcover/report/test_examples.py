import numpy as np
import pytest

from landcover.classes.class_table import UNKNOWN
from landcover.report.examples import captions, examples, titled
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.scores import Scores


def test_every_class_is_shown_however_rare_it_is():
    rng = np.random.default_rng(0)
    pixels = {f"{i:03d}": np.append(rng.multinomial(1000, [0.7, 0.3, 0]), 0) for i in range(200)}
    pixels["077"] = np.array([980, 0, 20, 0])
    pixels["123"] = np.array([990, 0, 0, 10])
    chosen = examples(pixels, 4)
    assert {"077", "123"} <= set(chosen)
    assert chosen == sorted(chosen)
    assert len(set(chosen)) == 4


def test_the_order_in_which_they_are_listed_does_not_matter_and_equals_are_taken_by_name():
    pixels = {name: np.array([5, 5]) for name in "dbca"}
    assert examples(pixels, 2) == examples(dict(sorted(pixels.items())), 2) == ["a", "b"]


@pytest.mark.parametrize("count", [3, 50])
def test_no_more_are_shown_than_there_are(count):
    pixels = {"a": np.array([1, 0]), "none": np.array([0, 0]), "b": np.array([0, 9])}
    assert examples(pixels, count) == ["a", "b", "none"]
    assert examples(pixels, 2) == ["a", "b"]


def test_a_set_without_any_known_pixel_is_shown_all_the_same():
    assert examples({"a": np.array([0, 0]), "b": np.array([0, 0])}, 1) == ["a"]


def test_captions_rank_images_by_pixel_accuracy_not_by_a_class_of_a_few_pixels(classes):
    unknown = [UNKNOWN] * 2
    pairs = {
        "bad": ([0, 0, 0, 0], [0, 1, 1, 1]),
        "good": ([1, 1, 1, 1], [1, 1, 1, 1]),
        "nearly": ([0] * 99 + [2], [0] * 99 + [1]),
        "none": (unknown, [0, UNKNOWN]),
    }
    matrices = {name: confusion_matrix(*map(np.uint8, pair), len(classes)) for name, pair in pairs.items()}
    assert list(captions(Scores(classes, matrices)).items()) == [
        ("good", "pixel accuracy 1.000 (1 of 4)"),
        ("nearly", "pixel accuracy 0.990 (2 of 4)"),
        ("bad", "pixel accuracy 0.250 (3 of 4)"),
        ("none", "no pixel of known class"),
    ]


def test_where_few_pixels_have_a_class_images_with_more_of_them_are_better_examples():
    pixels = {"a single": np.array([1, 0]), "many": np.array([300, 0]), "other": np.array([0, 50])}
    assert examples(pixels, 1) == ["a single"]
    assert examples(pixels, 1, size=1000) == ["many"]
    assert examples(pixels, 2, size=1000) == ["many", "other"]


def test_titles_are_names_with_captions_of_the_chosen_images(classes):
    labels = np.zeros((2, 3), np.uint8)
    scores = Scores(classes, {name: confusion_matrix(labels, labels, len(classes)) for name in ("a", "b\n")})
    assert titled(["b\n"], scores) == {"b\\n\npixel accuracy 1.000 (2 of 2)": "b\n"}
    assert list(titled(1, scores).values()) == ["a"]
