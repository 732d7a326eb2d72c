import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import jaccard_score

from landcover.classes.class_table import MAX_CLASSES, UNKNOWN
from landcover.scoring.confusion import (
    UNKNOWN_ROW,
    class_f1,
    class_iou,
    class_mean,
    class_precision,
    confusion_matrix,
    known_pairs,
    known_truth,
    mean,
)


def test_counts_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(5, size=(2, 40, 30), dtype=np.uint8)
    confusion = known_pairs(confusion_matrix(labels, predicted, 5))
    np.testing.assert_array_equal(confusion, sklearn_confusion(labels.ravel(), predicted.ravel()))
    np.testing.assert_allclose(class_iou(confusion), jaccard_score(labels.ravel(), predicted.ravel(), average=None))


def test_a_stack_of_matrices_gives_the_figures_of_each():
    stack = np.random.default_rng(0).integers(3, size=(20, 4, 4))
    for figure in (class_iou, class_f1, class_precision):
        np.testing.assert_array_equal(figure(stack), [figure(matrix) for matrix in stack])
    means = [mean(class_iou(matrix)) for matrix in stack]
    np.testing.assert_array_equal(class_mean(class_iou(stack)), np.array(means, float))


def test_unknown_pixels_have_a_row_and_a_column_of_their_own():
    confusion = confusion_matrix(np.uint8([0, UNKNOWN, 1, 1, UNKNOWN]), np.uint8([0, 0, 1, UNKNOWN, UNKNOWN]), 2)
    assert confusion.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 1]]
    assert confusion[UNKNOWN_ROW].tolist() == [1, 0, 1]
    assert known_truth(confusion).tolist() == [[1, 0, 0], [0, 1, 1]]
    assert known_pairs(confusion).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("classes", [2, 15, 16, MAX_CLASSES])
def test_any_number_of_classes_is_counted_as_scikit_learn_does(classes):
    pairs = np.random.default_rng(0).integers(classes + 1, size=(2, 3000))
    labels, predicted = np.where(pairs == classes, UNKNOWN, pairs).astype(np.uint8)
    ours = confusion_matrix(labels, predicted, classes)
    np.testing.assert_array_equal(ours, sklearn_confusion(*pairs, labels=range(classes + 1)))
