import numpy as np
import pytest
from conftest import draw_pair

from landcover.classes.class_table import DEEPGLOBE, ClassTable
from landcover.images.image_files import read_rgb, save_png
from landcover.images.pairs import find_samples
from landcover.report.world import draw_world, mosaic
from landcover.system.errors import LandcoverError


def test_the_world_shows_predictions_at_their_place(tmp_path):
    for name in ("N45E015", "S15W075"):
        draw_pair(tmp_path, name, 225, 225, table=DEEPGLOBE)
    labels = np.zeros((225, 225), np.uint8)
    save_png(DEEPGLOBE.encode(labels), tmp_path / "prediction.png")
    draw_world(find_samples(tmp_path), {"N45E015": tmp_path / "prediction.png"}, DEEPGLOBE, tmp_path / "world.png")
    image = read_rgb(tmp_path / "world.png")
    rows, columns = np.nonzero((image == np.uint8(DEEPGLOBE.colours["urban"])).all(2))
    in_last_map = rows > image.shape[0] * 0.67
    in_last_map &= rows < image.shape[0] * 0.94  # above the legend
    assert columns[in_last_map].mean() / image.shape[1] == pytest.approx(0.5 + 22.5 / 360, abs=0.04)
    assert np.ptp(columns[in_last_map]) / image.shape[1] == pytest.approx(15 / 360, abs=0.01)


def test_any_colour_of_a_class_is_drawn_as_its_first(classes, tmp_path):
    table = ClassTable.of({**classes.colours, "water": [(0, 0, 255), (200, 30, 90)]}, None)
    draw_pair(tmp_path, "N45E015", 225, 225)
    save_png(np.full((225, 225, 3), (200, 30, 90), np.uint8), tmp_path / "N45E015_mask.png")
    save_png(table.encode(np.zeros((225, 225), np.uint8)), tmp_path / "urban.png")
    draw_world(find_samples(tmp_path), {"N45E015": tmp_path / "urban.png"}, table, tmp_path / "world.png")
    drawn = read_rgb(tmp_path / "world.png")
    assert (drawn == (0, 0, 255)).all(2).sum() > 500  # more than its patch in the legend
    assert not (drawn == (200, 30, 90)).all(2).any()


def test_tiles_lie_at_their_places_before_the_background():
    tile = np.random.default_rng(0).integers(256, size=(30, 30, 3), dtype=np.uint8)
    globe = mosaic({"S90W180": tile, "N75E165": tile}, 2, background=(1, 2, 3))
    assert globe.shape == (360, 720, 3)
    assert (globe[-30:, :30] == tile).all()
    assert (globe[:30, -30:] == tile).all()
    assert (globe[30:-30] == (1, 2, 3)).all()


def test_a_name_that_is_no_place_is_refused():
    with pytest.raises(LandcoverError, match="harbour: not the name of a place on the globe"):
        mosaic({"harbour": np.zeros((15, 15, 3), np.uint8)}, 1)
