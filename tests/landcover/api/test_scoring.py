import json

import numpy as np
import pytest
from conftest import TABLE, draw_pair
from conftest import landcover as command

import landcover
from landcover.images.image_files import read_rgb, save_png

SIZES = {"a": (40, 40), "b": (33, 57)}


@pytest.fixture
def labels(tmp_path):
    """Folders `truth` and `maps` of two masks each; the labels of both, lists of arrays."""
    truth = [draw_pair(tmp_path / "truth", name, *size, seed=i) for i, (name, size) in enumerate(SIZES.items())]
    maps = [draw_pair(tmp_path / "maps", name, *size, seed=i + 7) for i, (name, size) in enumerate(SIZES.items())]
    truth[0][:9], maps[1][:, :20] = 255, 255
    (tmp_path / "classes.json").write_text(json.dumps(TABLE.to_json()))
    for folder, side in (("truth", truth), ("maps", maps)):
        for name, array in zip(SIZES, side, strict=True):
            save_png(TABLE.encode(array), tmp_path / folder / f"{name}_mask.png")
            (tmp_path / folder / f"{name}_sat.png").unlink()
    return truth, maps


def test_arrays_masks_and_folders_score_as_landcover_evaluate(labels, tmp_path):
    done = command("evaluate", "-g", "truth", "-p", "maps", "--classes", "classes.json", "--json", folder=tmp_path)
    expected = json.loads(done.stdout)
    masks = [[str(tmp_path / side / f"{name}_mask.png") for name in SIZES] for side in ("truth", "maps")]
    for truth, maps in (labels, masks, (masks[0], labels[1]), (tmp_path / "truth", str(tmp_path / "maps"))):
        result = landcover.score(truth, maps, TABLE)
        for key in ("mean_iou", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iou", "iou", "precision", "f1"):
            assert getattr(result, key) == expected[key]
        assert result.confusion.sum() == expected["pixels"]
        assert result == landcover.score(truth, maps, tmp_path / "classes.json")


def test_a_class_predicted_where_the_truth_is_unknown_is_a_false_positive():
    truth, prediction = np.array([[0, 1, 255]], np.uint8), np.array([[0, 1, 1]], np.uint8)
    result = landcover.score(truth, prediction, TABLE)
    assert (result.iou, result.mean_iou) == ({"urban": 1.0, "forest": 0.5, "water": None}, 0.75)
    assert result.confusion.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]


def test_classes_of_arrays_alone_are_called_by_their_numbers():
    result = landcover.score(np.uint8([[0, 3]]), np.uint8([[0, 0]]))
    assert result.iou == {"0": 0.5, "1": None, "2": None, "3": 0.0}
    assert landcover.score(np.uint8([[255]]), np.uint8([[255]])).mean_iou is None


def test_classes_of_masks_are_found_as_the_command_finds_them(labels, tmp_path, capsys):
    (tmp_path / "classes.json").rename(tmp_path / "dataset.json")
    expected = landcover.score(*labels, TABLE)
    for side in ((tmp_path / "truth", tmp_path / "maps"), (labels[0][0], tmp_path / "maps/a_mask.png")):
        result = landcover.score(*side)
        assert list(result.iou) == list(expected.iou)
        assert "dataset.json: classes and colours are taken from this file" in capsys.readouterr().err


def test_a_score_says_what_it_is_and_makes_a_table(labels):
    result = landcover.score(np.uint8([[0, 1, 255]]), np.uint8([[0, 1, 1]]), TABLE)
    assert repr(result) == (
        "<landcover.Score: mean IoU 0.7500, pixel accuracy 1.0000; IoU: urban 1.0000, forest 0.5000, water ->"
    )
    table = landcover.score(*labels, TABLE).table()
    assert list(table.columns) == ["iou", "precision", "recall", "f1", "share"]
    assert list(table.index) == TABLE.names


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4), np.uint8), r"truth: ndarray of float64 \(4, 4\).*; should be labels"),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8), r"prediction: ndarray of uint8 \(4, 4, 3\)"),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8), "its size and that of truth differ: 5x4 and 4x4"),
        (np.full((4, 4), 3, np.uint8), np.zeros((4, 4), np.uint8), "truth: label 3, but the 3 classes urban, forest"),
        ([np.zeros((4, 4), np.uint8)], [], "truth has 1 images, prediction 0"),
        (
            ".",
            np.zeros((4, 4), np.uint8),
            r"prediction: ndarray of uint8 \(4, 4\), values 0 to 0: not a folder, as the other side is",
        ),
        ("none.png", "none.png", "none.png: not readable as an image"),
    ],
)
def test_what_cannot_be_scored_is_an_error_of_one_line(truth, prediction, message):
    with pytest.raises(landcover.LandcoverError, match=message) as error:
        landcover.score(truth, prediction, TABLE)
    assert len(set(str(error.value).splitlines())) == 1


def test_masks_of_other_colours_are_not_scored(labels, tmp_path):
    mask = tmp_path / "maps/a_mask.png"
    colours = read_rgb(mask).copy()
    colours[:5] = (12, 34, 56)
    save_png(colours, mask)
    for prediction in (mask, [mask]):
        with pytest.raises(landcover.LandcoverError, match=r"12.50% of the pixels have colours of no class: #0c2238"):
            landcover.score(labels[0][0], prediction, TABLE)
    assert landcover.score(labels[0][0], mask, TABLE, max_off_palette=0.2).mean_iou > 0
