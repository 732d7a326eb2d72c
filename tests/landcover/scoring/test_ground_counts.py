import numpy as np
from conftest import TABLE

from landcover.classes.class_table import UNKNOWN
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.ground_counts import GroundCounts

NAMES = ["west", "middle", "east"]


def drawn(seed, height=40, width=60):
    rng = np.random.default_rng(seed)
    labels, mapped = (rng.choice([0, 1, 2, UNKNOWN], (height, width)).astype(np.uint8) for _ in range(2))
    return labels, mapped, rng.integers(3, size=(height, width)), rng.uniform(50, 150, (height, width))


def one_by_one(labels, mapped, units, areas):
    """What `GroundCounts` should have counted, pixel by pixel."""
    pixels, metres = {}, np.zeros((4, 4))
    for label, found, unit, area in zip(*(a.ravel() for a in (labels, mapped, units, areas)), strict=True):
        if label != UNKNOWN:
            place = int(label), min(int(found), 3)
            pixels.setdefault(NAMES[unit], np.zeros((4, 4), int))[place] += 1
            metres[place] += area
    return pixels, metres


def test_pixels_of_known_label_are_counted_by_unit_and_by_area():
    labels, mapped, units, areas = drawn(0)
    counts = GroundCounts(TABLE)
    counts.add(labels, mapped, units, NAMES, areas)
    pixels, metres = one_by_one(labels, mapped, units, areas)
    assert counts.units.keys() == pixels.keys()
    for name, expected in pixels.items():
        np.testing.assert_array_equal(counts.units[name], expected)
    np.testing.assert_allclose(counts.areas, metres)
    known = labels != UNKNOWN
    assert counts.extent == f"{known.sum():,} pixels, {areas[known].sum() / 1e4:,.1f} hectares"


def test_a_unit_that_lies_in_several_windows_is_one():
    labels, mapped, units, areas = drawn(1)
    whole, parts = GroundCounts(TABLE), GroundCounts(TABLE)
    whole.add(labels, mapped, units, NAMES, areas)
    for rows in (slice(0, 7), slice(7, 40)):
        present, own = np.unique(units[rows], return_inverse=True)  # each window numbers its units itself
        parts.add(labels[rows], mapped[rows], own, [NAMES[unit] for unit in present], areas[rows])
    assert parts.units.keys() == whole.units.keys()
    for name, matrix in whole.units.items():
        np.testing.assert_array_equal(parts.units[name], matrix)
    np.testing.assert_allclose(parts.areas, whole.areas)
    np.testing.assert_array_equal(whole.scores().confusion, confusion_matrix(labels, mapped, 3) * [[1], [1], [1], [0]])
    assert list(whole.scores().per_image) == sorted(NAMES)


def test_what_is_mapped_outside_of_labels_is_neither_right_nor_wrong():
    labels = np.uint8([[0, 1, UNKNOWN, UNKNOWN]])
    counts = GroundCounts(TABLE)
    counts.add(labels, np.uint8([[0, 1, 2, 0]]), np.zeros((1, 4), int), ["a"], np.full((1, 4), 100.0))
    assert counts.scores().figures()["mean_iou"] == 1
    assert counts.hectares()["water"] == {"labelled": 0, "mapped": 0, "correct": 0}


def test_where_the_map_has_no_class_the_label_is_missed():
    counts = GroundCounts(TABLE)
    counts.add(np.uint8([[1, 1]]), np.uint8([[1, UNKNOWN]]), np.zeros((1, 2), int), ["a"], np.full((1, 1), 5000.0))
    assert counts.hectares()["forest"] == {"labelled": 1, "mapped": 0.5, "correct": 0.5}
    assert counts.scores().figures()["iou"]["forest"] == 0.5


def test_the_table_of_the_plot_has_pixels_and_hectares():
    counts = GroundCounts(TABLE)
    counts.add(np.uint8([[0, 2]]), np.uint8([[0, 1]]), np.zeros((1, 2), int), ["a"], np.float64([[100, 200]]))
    table = counts.confusion_table().set_index(["actual", "predicted"])
    assert list(table.columns) == ["pixels", "hectares"]
    assert tuple(table.loc[("water", "forest")]) == (1, 0.02)
    assert table["pixels"].sum() == 2


def test_no_pixel_of_known_label_adds_nothing():
    counts = GroundCounts(TABLE)
    unknown = np.full((3, 3), UNKNOWN, np.uint8)
    counts.add(unknown, np.zeros_like(unknown), np.zeros((3, 3), int), ["a"], np.ones((3, 3)))
    assert (counts.units, counts.areas.sum()) == ({}, 0)


def test_areas_that_are_not_known_are_none():
    counts = GroundCounts(TABLE)
    counts.add(np.uint8([[0, 1]]), np.uint8([[0, 1]]), np.zeros((1, 2), int), ["a"], np.array(np.nan))
    assert counts.hectares()["urban"] == {"labelled": None, "mapped": None, "correct": None}
    assert counts.hectares()["water"] == {"labelled": 0, "mapped": 0, "correct": 0}
    assert counts.extent == "2 pixels"
