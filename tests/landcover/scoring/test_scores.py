import io

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from landcover.classes.class_table import DEEPGLOBE, IGNORE, ClassTable
from landcover.cli.text import course_lines
from landcover.images.pairs import read_rgb
from landcover.scoring.confusion import class_f1, class_iou, class_mean, class_precision, confusion_matrix, mean
from landcover.scoring.scores import score_masks
from landcover.system.errors import LandcoverError

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


def test_a_stack_of_matrices_gives_the_figures_of_each():
    stack = np.random.default_rng(0).integers(3, size=(20, 4, 4))
    for figure in (class_iou, class_f1, class_precision):
        np.testing.assert_array_equal(figure(stack), [figure(matrix) for matrix in stack])
    means = [mean(class_iou(matrix)) for matrix in stack]
    np.testing.assert_array_equal(class_mean(class_iou(stack)), np.array(means, float))


def test_labels_beyond_the_classes_are_not_counted():
    assert confusion_matrix(np.array([0, U, 1]), np.array([0, 0, 1]), 2).tolist() == [[1, 0], [0, 1]]


def test_a_perfect_prediction_scores_one(tmp_path, classes):
    masks = {"a": [[0, 1, 2]]}
    figures = score(tmp_path, classes, masks, masks).figures()
    assert figures.pop("iou") == {"urban": 1, "forest": 1, "water": 1}
    assert figures == {"mean_iou": 1, "pixel_accuracy": 1, "mean_accuracy": 1, "frequency_weighted_iou": 1}


def test_iou_is_over_the_whole_set_not_per_image(tmp_path, classes):
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


def test_images_are_ranked_by_pixel_accuracy_not_by_a_class_of_a_few_pixels(tmp_path, classes):
    truth = {"bad": [[0, 0, 0, 0]], "good": [[1, 1, 1, 1]], "nearly": [[0] * 99 + [2]], "none": [[U, U]]}
    predicted = {"bad": [[0, 1, 1, 1]], "good": [[1, 1, 1, 1]], "nearly": [[0] * 99 + [1]], "none": [[0, U]]}
    scores = score(tmp_path, classes, truth, predicted)
    assert scores.ranked() == ["good", "nearly", "bad", "none"]
    assert scores.caption("nearly") == "pixel accuracy 0.990 (2 of 4)"
    assert scores.caption("none") == "no pixel of known class"
    assert {name: pixels.tolist() for name, pixels in scores.truth_pixels().items()}["nearly"] == [99, 0, 1]


def test_unknown_truth_has_no_part_in_an_images_accuracy(tmp_path, classes):
    scores = score(tmp_path, classes, {"a": [[U, U, 0, 0]]}, {"a": [[1, U, 0, U]]})
    assert scores.image_accuracy("a") == 1 / 2


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


def test_every_mask_without_a_partner_is_named(tmp_path, classes):
    with pytest.raises(LandcoverError) as error:
        score(tmp_path, classes, {"a": [[0]], "b": [[0]], "c": [[0]]}, {"b": [[0]], "d": [[0]]})
    lines = str(error.value).splitlines()
    assert [line.split(":")[0].split("/")[-1] for line in lines] == ["a_mask.png", "c_mask.png", "d_mask.png"]


def test_broken_files_are_all_named_and_nothing_is_scored_unless_asked_for(tmp_path, classes):
    masks = {name: [[0, 1, 2]] for name in "abcd"}
    write_masks(tmp_path / "truth", classes, **masks)
    write_masks(tmp_path / "predicted", classes, **masks | {"a": [[1, 1, 2]], "d": [[0], [1]]})
    for folder in ("truth", "predicted"):
        (tmp_path / folder / "b_mask.png").write_bytes(b"")
    (tmp_path / "predicted" / "c_mask.png").write_bytes((tmp_path / "truth" / "c_mask.png").read_bytes()[:50])
    folders = tmp_path / "truth", tmp_path / "predicted"
    with pytest.raises(LandcoverError) as error:
        score_masks(*folders, classes)
    scores = score_masks(*folders, classes, keep_going=True)
    assert list(scores.per_image) == ["a"]
    assert scores.figures()["iou"] == {"urban": 0, "forest": 1 / 2, "water": 1}
    assert "\n".join(scores.broken) == str(error.value)
    assert [line.split("_mask")[0][-1] for line in scores.broken] == ["b", "b", "c", "d"]


def test_nothing_readable_is_an_error_even_when_asked_to_go_on(tmp_path, classes):
    write_masks(tmp_path / "m", classes, a=[[0]])
    (tmp_path / "m" / "a_mask.png").write_bytes(b"")
    with pytest.raises(LandcoverError, match="a_mask"):
        score_masks(tmp_path / "m", tmp_path / "m", classes, keep_going=True)


def test_plain_names_are_masks_where_no_other_are(tmp_path, classes):
    write_masks(tmp_path / "truth", classes, a=[[0, 1]])
    write_masks(tmp_path / "predicted", classes, a=[[0, 1]])
    (tmp_path / "predicted" / "a_mask.png").rename(tmp_path / "predicted" / "a.png")
    with pytest.raises(LandcoverError, match=r"no NAME_mask\.png"):
        score_masks(tmp_path / "truth", tmp_path / "predicted", classes)
    assert score_masks(tmp_path / "truth", tmp_path / "predicted", classes, plain=True).figures()["mean_iou"] == 1


# The course's scorer, from its definition: every channel thresholded at 128; of the masks of all images together,
# TP / (TP + FP + FN) of six classes; their plain mean, which is nan if one of them is.
COURSE = {(0, 1, 1): 0, (1, 1, 0): 1, (1, 0, 1): 2, (0, 1, 0): 3, (0, 0, 1): 4, (1, 1, 1): 5}


def course_labels(mask):
    return np.array([[COURSE.get(tuple(int(channel >= 128) for channel in pixel), 6) for pixel in row] for row in mask])


def course_iou(truths, predictions):
    truth, predicted = (
        np.concatenate([course_labels(mask).ravel() for mask in masks]) for masks in (truths, predictions)
    )
    iou = []
    for label in range(6):
        both = sum((truth == label) & (predicted == label))
        either = sum((truth == label) | (predicted == label))
        iou.append(both / either if either else float("nan"))
    return iou


def score_pixels(folder, truths, predictions, classes=DEEPGLOBE):
    for name, masks in (("truth", truths), ("predicted", predictions)):
        (folder / name).mkdir(parents=True)
        for i, mask in enumerate(masks):
            Image.fromarray(mask).save(folder / name / f"{i}_mask.png")
    return score_masks(folder / "truth", folder / "predicted", classes)


def printed(iou):
    """What the course's scorer prints of them; ours where that prints nan."""
    defined = [value for value in iou if value == value]
    lines = [f"class #{i} : {value:1.5f}".replace("nan", "-") for i, value in enumerate(iou)]
    return "\n".join([*lines, "", f"mean_iou: {sum(defined) / len(defined):f}" if defined else "mean_iou: -", ""])


@st.composite
def masks_of_one_set(draw, pixels):
    """Truths and predictions of one to three images of unlike sizes."""
    sizes = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3))
    return [[draw(pixels(size)) for size in sizes] for _ in range(2)]


def pure(size):
    # Few of the classes at a time, so that classes are often absent from one side or from both.
    return (
        st.integers(0, 6)
        .flatmap(lambda most: arrays.arrays(np.uint8, size, elements=st.integers(0, most)))
        .map(lambda labels: DEEPGLOBE.encode(np.where(labels == 6, np.uint8(U), labels)))
    )


def any_colours(size):
    return arrays.arrays(np.uint8, (*size, 3), elements=st.sampled_from([0, 1, 64, 127, 128, 129, 200, 254, 255]))


@settings(max_examples=150, deadline=None)
@given(masks=st.one_of(masks_of_one_set(pure), masks_of_one_set(any_colours)))
@example(masks=[[np.zeros((2, 2, 3), np.uint8)], [np.zeros((2, 2, 3), np.uint8)]])
def test_the_printed_lines_are_those_of_the_course(masks, tmp_path_factory):
    scores = score_pixels(tmp_path_factory.mktemp("masks"), *masks)
    assert course_lines(scores) == printed(course_iou(*masks))


def jpeg(mask, quality):
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_masks_that_went_through_jpeg_are_read_as_the_course_does(tmp_path, quality):
    rng = np.random.default_rng(quality)
    truths = [
        DEEPGLOBE.encode(rng.integers(6, size=(6, 6), dtype=np.uint8).repeat(9, 0).repeat(9, 1)) for _ in range(2)
    ]
    predictions = [jpeg(mask, quality) for mask in truths]
    scores = score_pixels(tmp_path, truths, predictions)
    assert course_lines(scores) == printed(course_iou(truths, predictions))
    assert scores.strays > 100
    assert scores.figures()["mean_iou"] > 0.8


def test_in_other_tables_only_exact_colours_count(tmp_path):
    classes = ClassTable({"roof": (60, 16, 152), "soil": (254, 221, 58)}, None)
    truth = np.uint8([[(60, 16, 152), (254, 221, 58)]])
    scores = score_pixels(tmp_path, [truth], [truth + np.uint8([[(0, 0, 0), (1, 0, 0)]])], classes)
    assert scores.figures()["iou"] == {"roof": 1, "soil": 0}
    assert scores.strays == 1


@settings(max_examples=50, deadline=None)
@given(masks=masks_of_one_set(pure))
def test_the_table_agrees_with_scikit_learn(masks, tmp_path_factory):
    table = score_pixels(tmp_path_factory.mktemp("masks"), *masks).by_class()
    truth, predicted = (np.concatenate([course_labels(mask).ravel() for mask in side]) for side in masks)
    for key, peer in {
        "iou": jaccard_score,
        "precision": precision_score,
        "recall": recall_score,
        "f1": f1_score,
    }.items():
        theirs = peer(truth, predicted, average=None, labels=range(6), zero_division=0)
        np.testing.assert_allclose(np.nan_to_num(table[key]), theirs)


def test_full_size_masks_score_as_the_course_to_six_decimals(tmp_path):
    rng = np.random.default_rng(0)
    palette = np.concatenate([DEEPGLOBE.palette[:6], [[0, 0, 0], [255, 0, 0]]]).astype(np.uint8)
    truths, predictions = palette[rng.choice(8, size=(2, 2, 512, 512), p=[0.1, 0.5, 0.1, 0.1, 0.05, 0.1, 0.04, 0.01])]
    codes = [((masks >= 128) @ [4, 2, 1]).ravel() for masks in (truths, predictions)]
    iou = []
    for code in (3, 6, 5, 2, 1, 7):
        hits, union = (code == codes[0]) & (code == codes[1]), (code == codes[0]) | (code == codes[1])
        iou.append(hits.sum() / union.sum())
    assert course_lines(score_pixels(tmp_path, truths, predictions)) == printed(iou)


def test_greys_palettes_and_alpha_are_read_as_their_colours(tmp_path):
    labels = np.uint8([[5, U], [U, 5]])
    mask = Image.fromarray(DEEPGLOBE.encode(labels))
    (tmp_path / "truth").mkdir()
    (tmp_path / "predicted").mkdir()
    for i, mode in enumerate(("L", "P", "RGBA", "1")):
        mask.save(tmp_path / "truth" / f"{i}_mask.png")
        mask.convert(mode).save(tmp_path / "predicted" / f"{i}_mask.png")
        assert (read_rgb(tmp_path / "predicted" / f"{i}_mask.png") == np.asarray(mask)).all()
    assert score_masks(tmp_path / "truth", tmp_path / "predicted", DEEPGLOBE).figures()["mean_iou"] == 1
