import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import jaccard_score

from landcover.classes import IGNORE
from landcover.confusion import class_iou, confusion_matrix
from landcover.errors import LandcoverError
from landcover.scoring import score_masks

U = IGNORE


def write_masks(folder, classes, **masks):
    folder.mkdir(exist_ok=True)
    for name, labels in masks.items():
        Image.fromarray(classes.encode(np.array(labels, np.uint8))).save(folder / f"{name}_mask.png")


def score(tmp_path, classes, truth, predicted):
    write_masks(tmp_path / "truth", classes, **truth)
    write_masks(tmp_path / "predicted", classes, **predicted)
    return score_masks(tmp_path / "truth", tmp_path / "predicted", classes)


def test_counts_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(5, size=(2, 40, 30), dtype=np.uint8)
    confusion = confusion_matrix(labels, predicted, 5)
    np.testing.assert_array_equal(confusion, sklearn_confusion(labels.ravel(), predicted.ravel()))
    np.testing.assert_allclose(class_iou(confusion), jaccard_score(labels.ravel(), predicted.ravel(), average=None))


def test_labels_beyond_the_classes_are_not_counted():
    assert confusion_matrix(np.array([0, U, 1]), np.array([0, 0, 1]), 2).tolist() == [[1, 0], [0, 1]]


def test_a_perfect_prediction_scores_one(tmp_path, classes):
    masks = {"a": [[0, 1, 2]]}
    figures = score(tmp_path, classes, masks, masks).figures()
    assert figures.pop("iou") == {"urban": 1, "forest": 1, "water": 1}
    assert figures == {"mean_iou": 1, "pixel_accuracy": 1, "mean_accuracy": 1, "frequency_weighted_iou": 1}


def test_iou_is_over_the_whole_set_not_per_picture(tmp_path, classes):
    truth = {"a": [[0, 0, 0, 0]], "b": [[1, 1, 2]]}
    predicted = {"a": [[0, 0, 0, 1]], "b": [[1, 2, 2]]}
    iou = score(tmp_path, classes, truth, predicted).figures()["iou"]
    assert iou == {"urban": 3 / 4, "forest": 1 / 3, "water": 1 / 2}


def test_unknown_pixels_count_as_false_positives(tmp_path, classes):
    figures = score(tmp_path, classes, {"a": [[0, 1, 2, U]]}, {"a": [[0, 1, 2, 2]]}).figures()
    assert figures["iou"]["water"] == 1 / 2
    assert figures["pixel_accuracy"] == 1  # over the pixels whose truth is known


def test_predicting_unknown_is_a_miss(tmp_path, classes):
    figures = score(tmp_path, classes, {"a": [[0, 0, 1, 2]]}, {"a": [[0, U, 1, 2]]}).figures()
    assert figures["iou"]["urban"] == 1 / 2
    assert figures["pixel_accuracy"] == 3 / 4


def test_a_class_neither_present_nor_predicted_has_no_iou_and_no_part_in_the_mean(tmp_path, classes):
    figures = score(tmp_path, classes, {"a": [[0, 0, 1, 1]]}, {"a": [[0, 0, 1, 0]]}).figures()
    assert figures["iou"]["water"] is None
    assert figures["mean_iou"] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_no_known_pixel_gives_null_not_nan(tmp_path, classes):
    figures = score(tmp_path, classes, {"a": [[U, U]]}, {"a": [[U, U]]}).figures()
    assert figures["mean_iou"] is figures["pixel_accuracy"] is figures["frequency_weighted_iou"] is None


def test_figures_of_the_paper_by_hand(tmp_path, classes):
    figures = score(tmp_path, classes, {"a": [[0, 0, 0, 1]]}, {"a": [[0, 0, 1, 1]]}).figures()
    assert figures["pixel_accuracy"] == 3 / 4
    assert figures["mean_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["frequency_weighted_iou"] == pytest.approx(3 / 4 * 2 / 3 + 1 / 4 * 1 / 2)


def test_pictures_are_ranked_by_their_own_iou(tmp_path, classes):
    truth = {"bad": [[0, 0]], "good": [[1, 1]], "none": [[U, U]], "worst": [[2, 2]]}
    predicted = {"bad": [[0, 1]], "good": [[1, 1]], "none": [[U, U]], "worst": [[0, 1]]}
    scores = score(tmp_path, classes, truth, predicted)
    assert scores.ranked() == ["good", "bad", "worst", "none"]
    assert scores.spread(2) == ["good", "none"]
    assert scores.spread(1) == ["good"]
    assert scores.spread(10) == scores.ranked()
    assert scores.picture_iou("none") is None


@pytest.mark.parametrize(
    ("truth", "predicted", "reason"),
    [
        ({"a": [[0]], "b": [[0]]}, {"a": [[0]]}, "truth/b_mask.png: no mask of this name in .*predicted"),
        ({"a": [[0]]}, {"a": [[0]], "b": [[0]]}, "predicted/b_mask.png: no mask of this name in .*truth"),
        ({"a": [[0, 0]]}, {"a": [[0], [0]]}, "differ: 1x2 and 2x1 pixels"),
    ],
)
def test_folders_that_do_not_match_are_refused(tmp_path, classes, truth, predicted, reason):
    with pytest.raises(LandcoverError, match=reason):
        score(tmp_path, classes, truth, predicted)
