import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from conftest import ROOT, landcover, landcover_process
from PIL import Image
from rasterio.windows import Window

from landcover.classes.class_table import DEEPGLOBE, UNKNOWN
from landcover.cli.text import course_lines
from landcover.images.image_files import read_rgb, save_png
from landcover.scoring.scores import score_masks
from landcover.system.errors import LandcoverError


def test_evaluate_prints_the_courses_lines_then_a_table(masks):
    done = landcover_process("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    scores = score_masks(masks / "truth", masks / "good", DEEPGLOBE)
    assert lines[:9] == course_lines(scores).split("\n")
    assert lines[7] == f"mean_iou: {scores.figures()['mean_iou']:.6f}"
    table = {line.split()[0]: line.split()[1:] for line in lines[9:17]}
    assert table.pop("class") == ["IoU", "precision", "recall", "F1", "share"]
    assert list(table) == [*DEEPGLOBE.names, "mean"]
    assert table["water"][0] == f"{scores.figures()['iou']['water']:.4f}"
    assert f"pixel accuracy: {scores.figures()['pixel_accuracy']:.4f}" in lines
    assert f"frequency-weighted IoU: {scores.figures()['frequency_weighted_iou']:.4f}" in lines
    quiet = landcover("evaluate", "-g", "truth", "-p", "good", "--quiet", folder=masks)
    assert quiet.stdout.splitlines() == lines[:9]


def test_evaluate_as_json_has_the_keys_of_the_stage_unrounded(masks):
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--json", folder=masks)
    content = json.loads(done.stdout)
    figures = score_masks(masks / "truth", masks / "good", DEEPGLOBE).figures()
    assert {key: content[key] for key in figures} == figures
    assert set(content["precision"]) == set(content["f1"]) == set(DEEPGLOBE.names)
    assert (content["images"], content["off_palette"], content["broken"]) == (12, 0, [])


def test_a_class_that_is_nowhere_has_a_dash_and_null(tmp_path):
    (tmp_path / "m").mkdir()
    save_png(DEEPGLOBE.encode(np.uint8([[0, 1, 2, 3, 5]])), tmp_path / "m" / "a_mask.png")
    done = landcover("evaluate", "-g", "m", "-p", "m", folder=tmp_path)
    assert "class #4 : -\n" in done.stdout
    assert "\nmean_iou: 1.000000\n" in done.stdout
    done = landcover("evaluate", "-g", "m", "-p", "m", "--json", folder=tmp_path)
    assert json.loads(done.stdout)["iou"]["water"] is None


def test_masks_that_went_through_jpeg_score_as_the_course_does_if_told_to(masks):
    for path in (masks / "good").iterdir():
        file = io.BytesIO()
        Image.open(path).save(file, "jpeg", quality=60)
        Image.open(file).save(path)
    assert landcover("evaluate", "-g", "truth", "-p", "good", folder=masks).returncode == 1
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--max-off-palette", "1", folder=masks)
    assert done.returncode == 0
    assert done.stdout.startswith(course_lines(score_masks(masks / "truth", masks / "good", DEEPGLOBE)))
    note = r"note: \d+ pixels have colours of no class; their channels are rounded to 0 or 255\n"
    assert re.fullmatch(note, done.stderr)


SIDE = 13_400  # squared, more than Pillow reads


def write_large(path, labels, **options):
    """A map of SIDE x SIDE as `landcover predict` writes it: blocks of 512 of a label each."""
    size = {"count": 1, "height": SIDE, "width": SIDE, "dtype": "uint8", "compress": "deflate", "nodata": UNKNOWN}
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(path, "w", driver="GTiff", **size, **options) as file:
        file.write_colormap(1, dict(enumerate((*colour, 255) for colour in DEEPGLOBE.palette.tolist())))
        for i, label in enumerate(labels):
            rows = np.full((1, SIDE // len(labels), SIDE), label, np.uint8)
            file.write(rows, window=Window(0, i * rows.shape[1], SIDE, rows.shape[1]))


@pytest.mark.filterwarnings("ignore")
def test_maps_that_are_too_large_to_be_read_as_a_whole_are_scored(tmp_path):
    write_large(tmp_path / "truth" / "a_mask.tif", [0, 1, 2, UNKNOWN])
    write_large(tmp_path / "maps" / "a_mask.tif", [0, 1, 1, 3], tiled=True, blockxsize=512, blockysize=512)
    with pytest.raises(LandcoverError, match="more than 178 million pixels"):
        read_rgb(tmp_path / "maps" / "a_mask.tif")
    done = landcover("evaluate", "-g", "truth", "-p", "maps", "--json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(done.stdout)
    assert content["iou"] == {
        "urban": 1,
        "agriculture": 1 / 2,
        "rangeland": 0,
        "forest": 0,
        "water": None,
        "barren": None,
    }
    assert (content["pixel_accuracy"], content["pixels"]) == (2 / 3, SIDE**2)
    Image.new("RGB", (20, 20)).save(tmp_path / "maps" / "a_mask.tif")
    done = landcover("evaluate", "-g", "truth", "-p", "maps", folder=tmp_path)
    assert "differ: 20x20 and 13400x13400 pixels" in done.stderr


def test_a_png_that_is_too_large_says_what_to_do(tmp_path):
    (tmp_path / "m").mkdir()
    Image.new("1", (SIDE, SIDE)).save(tmp_path / "m" / "a_mask.png")
    done = landcover("evaluate", "-g", "m", "-p", "m", folder=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"error: m/a_mask.png: more than 178 million pixels.* GeoTIFF of any size\.\n", done.stderr)


def test_the_colours_can_come_from_a_model(classes, model_file, tmp_path):
    (tmp_path / "m").mkdir()
    save_png(classes.encode(np.uint8([[0, 1, 2]])), tmp_path / "m" / "a_mask.png")
    arguments = ("-g", "m", "-p", "m", "--classes", "m.safetensors", "--json")
    done = landcover("evaluate", *arguments, folder=tmp_path)
    assert json.loads(done.stdout)["iou"] == {"urban": 1, "forest": 1, "water": 1}


def test_scoring_imports_neither_torch_nor_pandas(masks):
    code = "import sys; from landcover.cli import main\n"
    code += "sys.argv = 'landcover evaluate -g truth -p good --classes'.split() + [sys.argv[1]]\n"
    code += "main.main(); assert not {'torch', 'pandas'} & set(sys.modules)"
    command = [sys.executable, "-c", code, str(ROOT / "params.yaml")]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, cwd=masks, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
