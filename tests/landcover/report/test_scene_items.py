"""Scenes on the page of the report: what is shown is what is scored."""

from dataclasses import replace

import numpy as np
import page_data
import pytest
from conftest import write_geotiff
from ground_maps import DEGREES, UTM, blocks, draw_scene, in_one_piece, mapped_scenes

from landcover.classes.class_table import UNKNOWN
from landcover.data.splitting import split_by_scene
from landcover.report.reduction import LONGEST, middle_places
from landcover.report.scene_items import SceneItems
from landcover.scoring.calibration import Calibration
from landcover.system.errors import LandcoverError


def with_confidence(folder, maps, place=UTM, sizes=None):
    """The maps with a file of random confidence for each, and its values."""
    rng, values, files = np.random.default_rng(0), {}, {}
    for name in maps.maps:
        values[name] = rng.integers(43, 256, (sizes or {}).get(name, (300, 1100)), dtype=np.uint8)
        files[name] = folder / f"{name}_confidence.tif"
        write_geotiff(files[name], values[name][None], nodata=0, **place)
    return replace(maps, confidences=files), values


@pytest.mark.parametrize("place", [UTM, DEGREES], ids=["metres", "degrees"])
def test_a_large_scene_is_shown_reduced_with_the_truth_of_the_pixels_in_the_middle(tmp_path, place):
    mapped, layer = draw_scene(tmp_path, place=place)
    maps, confidence = with_confidence(tmp_path / "maps", mapped_scenes(tmp_path, [layer], blocks), place)
    items = SceneItems(maps)
    shown = items.load("a")
    assert (shown.reduction, shown.size) == (2, (300, 1100))
    assert LONGEST < 1100
    labels, scored, _ = in_one_piece(maps, mapped, "a")
    middles = np.ix_(middle_places(300, 2), middle_places(1100, 2))
    np.testing.assert_array_equal(shown.truth, np.where(scored, labels, UNKNOWN)[middles])
    np.testing.assert_array_equal(shown.prediction, mapped[middles])
    np.testing.assert_array_equal(shown.confidence, confidence["a"][middles])
    assert (shown.image.shape, shown.image.dtype) == ((150, 550, 3), np.uint8)
    assert shown.bands.endswith(" as grey")
    upper_left, *_ = page_data.corners(shown.degrees)
    assert upper_left == pytest.approx(page_data.corners(items.load("a at 0,0").degrees)[0])


def test_windows_have_the_pixels_that_are_scored_and_lie_within_the_scene(tmp_path):
    mapped, layer = draw_scene(tmp_path)
    maps, confidence = with_confidence(tmp_path / "maps", mapped_scenes(tmp_path, [layer], blocks))
    items = SceneItems(maps)
    labels, scored, _ = in_one_piece(maps, mapped, "a")
    whole, *windows = items.entries()
    assert (whole.name, whole.is_overview) == ("a", True)
    assert {entry.name for entry in windows} == set(items.scores.places)
    assert (sum(entry.confusion for entry in windows) == whole.confusion).all()
    for entry in windows:
        _, window = items.scores.places[entry.name]
        here, shown = window.toslices(), items.load(entry.name)
        np.testing.assert_array_equal(shown.truth, np.where(scored, labels, UNKNOWN)[here])
        np.testing.assert_array_equal(shown.prediction, mapped[here])
        np.testing.assert_array_equal(shown.confidence, confidence["a"][here])
        assert shown.image.shape == (*shown.truth.shape, 3)
        assert (shown.reduction, shown.size) == (1, None)
    truth = np.where(scored, labels, UNKNOWN).astype(np.uint8)
    expected = Calibration.of(truth, mapped, confidence["a"])
    np.testing.assert_array_equal(items.scores.calibration.known, expected.known)
    np.testing.assert_array_equal(items.scores.calibration.right, expected.right)


def test_a_scene_that_only_trains_is_shown_without_truth_if_it_is_mapped(tmp_path):
    layers = [draw_scene(tmp_path, name, (80, 90), seed=i)[1] for i, name in enumerate("abcd")]
    maps = mapped_scenes(tmp_path, layers, lambda scenes: split_by_scene(scenes, 2))
    maps = replace(maps, maps={name: path for name, path in maps.maps.items() if name != "a"})
    items = SceneItems(maps)
    overviews = {entry.name: entry.confusion is None for entry in items.entries() if entry.is_overview}
    assert overviews == {"b": False, "c": True, "d": False}
    assert items.load("c").truth is None
    assert items.load("c").prediction.shape == (80, 90)
    assert items.load("d").confidence is None
    assert items.scores.calibration.figures() is None


def test_confidence_of_another_size_is_refused(tmp_path):
    maps = mapped_scenes(tmp_path, [draw_scene(tmp_path)[1]], blocks)
    maps, _ = with_confidence(tmp_path / "maps", maps, sizes={"a": (300, 1000)})
    with pytest.raises(LandcoverError, match=r"a_confidence\.tif: not the confidence of a map of .*a\.tif\. Predict"):
        SceneItems(maps)
