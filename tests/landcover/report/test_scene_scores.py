"""Maps are compared with labels window by window: the counts are those of a comparison in one piece."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import TABLE, write_labels
from ground_maps import DEGREES, UTM, blocks, draw_scene, in_one_piece, mapped_scenes
from PIL import Image
from pyproj import Geod, Transformer
from rasterio.transform import from_origin

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.data.splitting import split_by_block, split_by_scene
from landcover.rasters.scenes import Scene
from landcover.report.mapped_scene import SAMPLE
from landcover.scoring.confusion import known_truth
from landcover.system.errors import LandcoverError

METRES = Geod(ellps="WGS84")


def pixel_areas(place, size):
    """Areas of pixels as polygons on the ellipsoid whose edges are cut into ten geodesics each."""
    to_degrees = Transformer.from_crs(place["crs"], "EPSG:4326", always_xy=True)
    areas = np.zeros(size)
    steps = np.linspace(0, 1, 11)[:-1]
    edge_x = np.concatenate([steps, np.ones(10), 1 - steps, np.zeros(10)])
    edge_y = np.concatenate([np.zeros(10), steps, np.ones(10), 1 - steps])
    for row, column in np.ndindex(*size):
        x, y = place["transform"] * (column + edge_x, row + edge_y)
        areas[row, column] = abs(METRES.polygon_area_perimeter(*to_degrees.transform(x, y))[0])
    return areas


@pytest.mark.parametrize("place", [UTM, DEGREES], ids=["metres", "degrees"])
def test_pixels_are_counted_as_in_one_piece(tmp_path, place):
    mapped, layer = draw_scene(tmp_path, place=place)
    maps = mapped_scenes(tmp_path, [layer], blocks)
    scores = maps.score()
    labels, scored, units = in_one_piece(maps, mapped, "a")
    assert 0 < scored.sum() < (labels != UNKNOWN).sum()
    expected = {}
    for label, found, unit in zip(labels[scored], mapped[scored], units[scored], strict=True):
        expected.setdefault(unit, np.zeros((4, 4), int))[label, min(found, 3)] += 1
    assert scores.counts.units.keys() == expected.keys()
    for name, matrix in expected.items():
        np.testing.assert_array_equal(scores.counts.units[name], matrix)
    np.testing.assert_array_equal(known_truth(scores.windows.confusion), known_truth(scores.counts.scores().confusion))


@pytest.mark.parametrize("place", [UTM, DEGREES], ids=["metres", "degrees"])
def test_hectares_are_those_of_the_pixels_on_the_ellipsoid(tmp_path, place):
    size = 40, 50
    mapped, layer = draw_scene(tmp_path, size=size, place=place)
    maps = mapped_scenes(tmp_path, [layer], lambda scenes: split_by_block(150.0, 2, 0.0))
    hectares = maps.score().counts.hectares()
    labels, scored, _ = in_one_piece(maps, mapped, "a")
    areas = pixel_areas(place, size) / 1e4
    for label, name in enumerate(TABLE.names):
        expected = {
            "labelled": areas[scored & (labels == label)].sum(),
            "mapped": areas[scored & (mapped == label)].sum(),
            "correct": areas[scored & (labels == label) & (mapped == label)].sum(),
        }
        assert hectares[name] == pytest.approx(expected, rel=1e-4)
    assert sum(figures["labelled"] for figures in hectares.values()) > 0


def test_what_trains_or_is_in_the_buffer_never_counts_however_wrong_the_map_is(tmp_path):
    mapped, layer = draw_scene(tmp_path)
    maps = mapped_scenes(tmp_path, [layer], blocks)
    before = maps.score()
    labels, scored, _ = in_one_piece(maps, mapped, "a")
    wrong = np.where(scored, mapped, (labels + 1) % 3).astype(np.uint8)
    write_labels(tmp_path / "maps" / "a_mask.tif", wrong, **UTM)
    after = maps.score()
    np.testing.assert_array_equal(after.counts.areas, before.counts.areas)
    assert after.counts.units.keys() == before.counts.units.keys()


def test_labels_where_the_scene_has_no_data_do_not_count(tmp_path):
    mapped, layer = draw_scene(tmp_path, hole=(slice(0, 200), slice(0, 400)))
    maps = mapped_scenes(tmp_path, [layer], blocks)
    labels, scored, _ = in_one_piece(maps, mapped, "a")
    assert (labels[:200, :400] != UNKNOWN).any()
    assert not scored[:200, :400].any()
    assert maps.score().counts.scores().confusion.sum() == scored.sum()


def test_only_scenes_that_validate_need_a_map_and_each_is_a_unit(tmp_path):
    layers = [draw_scene(tmp_path, name, (80, 90), seed=i)[1] for i, name in enumerate("abcd")]
    maps = mapped_scenes(tmp_path, layers, lambda scenes: split_by_scene(scenes, 2))
    for name in "ac":
        del maps.maps[name]
    assert list(maps.score().counts.units) == ["b", "d"]
    del maps.maps["b"], maps.maps["d"]
    with pytest.raises(LandcoverError) as error:
        maps.score()
    assert [line.partition(": ")[0] for line in error.value.lines] == [str(tmp_path / f"{name}.tif") for name in "bd"]
    assert "has labels that validate, but no map. Predict it too (in the pipeline: name it in predict.inputs" in str(
        error.value
    )


@pytest.mark.parametrize(
    "other",
    [
        {"size": (80, 91)},
        {"place": UTM | {"transform": from_origin(500_010, 5_000_000, 10, 10)}},
        {"place": UTM | {"crs": "EPSG:32634"}},
        {"place": UTM | {"crs": None}},
    ],
    ids=["size", "transform", "crs", "none"],
)
def test_a_map_of_another_grid_is_refused(tmp_path, other):
    layer = draw_scene(tmp_path, size=(80, 90))[1]
    maps = mapped_scenes(tmp_path, [layer], lambda scenes: split_by_block(200.0, 2, 0.0))
    write_labels(
        tmp_path / "maps" / "a_mask.tif", np.zeros(other.get("size", (80, 90)), np.uint8), **other.get("place", UTM)
    )
    with pytest.raises(LandcoverError, match=r"a_mask\.tif: its grid is not that of .*a\.tif\. Predict it again\.$"):
        maps.score()


def test_a_map_of_other_classes_is_refused(tmp_path):
    layer = draw_scene(tmp_path, size=(80, 90))[1]
    maps = mapped_scenes(tmp_path, [layer], lambda scenes: split_by_block(200.0, 2, 0.0))
    other = ClassTable(dict(zip("abc", TABLE.colours.values(), strict=True)))
    with pytest.raises(LandcoverError, match=r"a_mask\.tif: its classes are not those of `classes`\. Predict it again"):
        replace(maps, classes=other).score()


def test_without_any_label_that_validates_nothing_is_scored(tmp_path):
    for name, place in (("a", UTM), ("b", UTM | {"transform": from_origin(600_000, 5_000_000, 10, 10)})):
        layer = draw_scene(tmp_path, name, (80, 90), place)[1]
    others = [Scene(name, ()) for name in "bc"]
    maps = mapped_scenes(tmp_path, [layer], lambda _: split_by_scene(others, 2))
    with pytest.raises(LandcoverError, match=r"^no labelled pixel validates: nothing can be scored"):
        maps.score()


def test_windows_are_shown_with_their_labels_and_mistakes(tmp_path):
    maps = mapped_scenes(tmp_path, [draw_scene(tmp_path)[1]], blocks)
    scores = maps.score()
    assert all(place[1].height <= SAMPLE for place in scores.places.values())
    maps.draw(scores, 2, tmp_path / "two.png")
    first = next(iter(scores.places))
    assert first.startswith("a at ")
    maps.draw(scores, [first], tmp_path / "one.png")
    sizes = [Image.open(tmp_path / f"{name}.png").size for name in ("one", "two")]
    assert sizes[1][1] > sizes[0][1]
    with pytest.raises(LandcoverError, match=f"`samples`: no window with labels .* is called 'b at 0,0'.* '{first}'"):
        maps.draw(scores, ["b at 0,0"], tmp_path / "none.png")
