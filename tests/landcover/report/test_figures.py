import numpy as np
import pytest
from conftest import draw_pair

from landcover.classes.class_table import DEEPGLOBE, ClassTable
from landcover.images.pairs import find_samples, read_packed, read_rgb, save_png
from landcover.report.figures import RIGHT, WRONG, Comparison, draw_samples, draw_world


def has_colour(rgb, colour):
    return (rgb == np.uint8(colour)).all(2).any()


def test_samples_show_right_and_wrong_pixels(pairs, classes, tmp_path):
    sample = find_samples(pairs)[0]
    truth = classes.decode(read_packed(sample.mask))[0]
    truth[:, :10] = 255
    save_png(classes.encode(truth), sample.mask)
    save_png(classes.encode(np.zeros_like(truth)), tmp_path / "all_urban.png")
    draw_samples([Comparison("half right", sample, tmp_path / "all_urban.png")], classes, tmp_path / "a.png")
    image = read_rgb(tmp_path / "a.png")
    assert image.shape[1] > 900
    assert all(has_colour(image, colour) for colour in (RIGHT, WRONG, (0, 0, 0), (0, 255, 255)))
    save_png(classes.encode(truth), tmp_path / "perfect.png")
    draw_samples([Comparison("all right", sample, tmp_path / "perfect.png")], classes, tmp_path / "b.png")
    right = (read_rgb(tmp_path / "b.png") == np.uint8(RIGHT)).all(2).sum()
    assert right > 1.5 * (image == np.uint8(RIGHT)).all(2).sum()


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


def test_any_colour_of_a_class_is_drawn_as_its_first(pairs, classes, tmp_path):
    table = ClassTable.of({**classes.colours, "water": [(0, 0, 255), (200, 30, 90)]}, None)
    draw_pair(tmp_path, "N45E015", 225, 225)
    save_png(np.full((225, 225, 3), (200, 30, 90), np.uint8), tmp_path / "N45E015_mask.png")
    (sample,) = find_samples(tmp_path)
    save_png(table.encode(np.zeros((225, 225), np.uint8)), tmp_path / "urban.png")
    draw_world([sample], {"N45E015": tmp_path / "urban.png"}, table, tmp_path / "world.png")
    draw_samples([Comparison("x", sample, tmp_path / "urban.png")], table, tmp_path / "samples.png")
    for name in ("world.png", "samples.png"):
        drawn = (read_rgb(tmp_path / name) == (0, 0, 255)).all(2).sum()
        assert drawn > 500  # more than its patch in the legend
        assert not has_colour(read_rgb(tmp_path / name), (200, 30, 90))


def test_without_places_the_world_only_says_so(pairs, classes, tmp_path):
    draw_world(find_samples(pairs), {}, classes, tmp_path / "world.png")
    assert read_rgb(tmp_path / "world.png").shape == (100, 800, 3)


def test_the_same_input_gives_the_same_bytes(pairs, classes, tmp_path):
    sample = find_samples(pairs)[0]
    for name in ("a.png", "b.png"):
        draw_samples([Comparison("x", sample, sample.mask)], classes, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
