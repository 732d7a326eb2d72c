import subprocess
import sys

import numpy as np
from conftest import draw_pair
from raster_pairs import draw_raster_pair

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.images.image_files import read_packed, read_rgb, save_png
from landcover.images.pairs import find_samples
from landcover.report.figures import RIGHT, WRONG, Comparison, draw_samples


def has_colour(rgb, colour):
    return (rgb == np.uint8(colour)).all(2).any()


def test_samples_show_right_and_wrong_pixels(pairs, classes, tmp_path):
    sample = find_samples(pairs)[0]
    truth = classes.decode(read_packed(sample.mask))[0]
    truth[:, :10] = UNKNOWN
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


def test_any_colour_of_a_class_is_drawn_as_its_first(pairs, classes, tmp_path):
    table = ClassTable.of({**classes.colours, "water": [(0, 0, 255), (200, 30, 90)]}, None)
    draw_pair(tmp_path, "tile", 225, 225)
    save_png(np.full((225, 225, 3), (200, 30, 90), np.uint8), tmp_path / "tile_mask.png")
    (sample,) = find_samples(tmp_path)
    save_png(table.encode(np.zeros((225, 225), np.uint8)), tmp_path / "urban.png")
    draw_samples([Comparison("x", sample, tmp_path / "urban.png")], table, tmp_path / "samples.png")
    drawn = read_rgb(tmp_path / "samples.png")
    assert (drawn == (0, 0, 255)).all(2).sum() > 500  # more than its patch in the legend
    assert not has_colour(drawn, (200, 30, 90))


def test_the_same_input_gives_the_same_bytes(pairs, classes, tmp_path):
    sample = find_samples(pairs)[0]
    for name in ("a.png", "b.png"):
        draw_samples([Comparison("x", sample, sample.mask)], classes, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_samples_of_other_bands_are_drawn_too_and_ordinary_ones_do_not_need_rasterio(pairs, classes, tmp_path):
    draw_raster_pair(tmp_path / "rasters", "a", 10, "uint16")
    drawn = []
    for bands in (["red", "green", "blue"], ["nir", "red", "green"], ["nir"]):
        (sample,) = find_samples(tmp_path / "rasters")
        draw_samples([Comparison("x", sample, sample.mask)], classes, tmp_path / "a.png", bands)
        drawn.append(read_rgb(tmp_path / "a.png"))
    assert not (drawn[0] == drawn[1]).all()
    assert not (drawn[1] == drawn[2]).all()
    program = """
import sys
sys.modules["rasterio"] = None
from landcover.classes.class_table import DEEPGLOBE
from landcover.images.pairs import find_samples
from landcover.report.figures import Comparison, draw_samples
sample = find_samples("pairs")[0]
draw_samples([Comparison("x", sample, sample.mask)], DEEPGLOBE, "b.png")
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": ":".join(sys.path)}, check=True)
    assert (tmp_path / "b.png").exists()
