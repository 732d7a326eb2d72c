import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml
from conftest import ROOT, landcover, landcover_process
from PIL import Image
from rasterio.windows import Window
from safetensors.numpy import save_file

from landcover.classes.class_table import DEEPGLOBE, IGNORE, ClassTable
from landcover.cli.text import course_lines
from landcover.images.pairs import read_rgb, save_png
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build
from landcover.scoring.scores import score_masks
from landcover.system.errors import LandcoverError


@pytest.fixture
def masks(tmp_path):
    """Folders `truth`, `good` and `bad` of masks of twelve images."""
    rng = np.random.default_rng(0)
    for i in range(12):
        labels = rng.integers(6, size=(30, 20 + i), dtype=np.uint8)
        for folder, share in (("truth", 0), ("good", 0.1), ("bad", 0.5)):
            (tmp_path / folder).mkdir(exist_ok=True)
            noise = rng.integers(6, size=labels.shape, dtype=np.uint8)
            mask = DEEPGLOBE.encode(np.where(rng.random(labels.shape) < share, noise, labels))
            save_png(mask, tmp_path / folder / f"{i}_mask.png")
    return tmp_path


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


def test_broken_masks_are_listed_and_the_others_scored(masks):
    (masks / "good" / "3_mask.png").write_bytes(b"")
    (masks / "truth" / "5_mask.png").write_bytes(b"no image")
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert done.returncode == 1
    assert "mean_iou: " in done.stdout
    assert "images: 10," in done.stdout
    named = [line.removeprefix("error: ").split(":")[0] for line in done.stderr.splitlines()]
    assert named == ["good/3_mask.png", "truth/5_mask.png"]
    compared = landcover("compare", "good", "bad", "-g", "truth", folder=masks)
    assert compared.returncode == 1
    assert "of 10 images" in compared.stdout
    assert len(compared.stderr.splitlines()) == 2


def test_masks_without_a_partner_are_all_listed_and_nothing_is_scored(masks):
    for name in ("3", "5"):
        (masks / "good" / f"{name}_mask.png").unlink()
    (masks / "truth" / "7_mask.png").unlink()
    for arguments in (("evaluate", "-p", "good"), ("compare", "bad", "good"), ("compare", "good", "bad")):
        done = landcover(*arguments, "-g", "truth", folder=masks)
        assert (done.returncode, done.stdout) == (1, "")
        assert "7_mask.png" in done.stderr
        assert "Traceback" not in done.stderr
    lonely = ["truth/3_mask.png", "truth/5_mask.png", "good/7_mask.png"]
    for arguments, expected in (
        (("evaluate", "-p", "good"), lonely),
        (("compare", "good", "bad"), [*lonely, "bad/7_mask.png"]),
    ):
        done = landcover(*arguments, "-g", "truth", folder=masks)
        assert [line.removeprefix("error: ").split(":")[0] for line in done.stderr.splitlines()] == expected


def test_masks_without_a_partner_are_left_out_if_told_to_and_counted(masks):
    for name in ("3", "5"):
        (masks / "good" / f"{name}_mask.png").unlink()
    (masks / "truth" / "7_mask.png").unlink()
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--allow-missing", folder=masks)
    assert (done.returncode, done.stderr) == (
        0,
        "note: 3 images are left out, whose mask is missing in one of the folders\n",
    )
    assert "images: 9," in done.stdout
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--allow-missing", "--json", folder=masks)
    assert (json.loads(done.stdout)["images"], json.loads(done.stdout)["missing"]) == (9, 3)
    done = landcover("compare", "bad", "good", "-g", "truth", "--allow-missing", "--json", folder=masks)
    assert (done.returncode, done.stderr) == (
        0,
        "note: 3 images are left out, whose mask is missing in one of the folders\n",
    )
    assert (json.loads(done.stdout)["images"], json.loads(done.stdout)["missing"]) == (9, 3)


def test_folders_without_a_common_image_are_one_line(masks):
    for path in (masks / "good").iterdir():
        if path.name[0] in "02468":
            path.unlink()
    for path in (masks / "bad").iterdir():
        if path.name[0] not in "02468":
            path.unlink()
    (masks / "strange").mkdir()
    (masks / "bad" / "0_mask.png").rename(masks / "strange" / "other_mask.png")
    for arguments, named in (
        (("compare", "good", "bad"), "bad: no mask in it has the name of one in good"),
        (("compare", "bad", "good"), "good: no mask in it has the name of one in bad"),
        (("compare", "good", "strange"), "strange: no mask in it has the name of one in truth"),
        (("compare", "strange", "good"), "strange: no mask in it has the name of one in truth"),
        (("compare", "strange", "strange"), "strange: no mask in it has the name of one in truth"),
        (("evaluate", "-p", "strange"), "strange: no mask in it has the name of one in truth"),
    ):
        done = landcover(*arguments, "-g", "truth", "--allow-missing", folder=masks)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"error: {named}. Give folders")
        assert done.stderr.count("\n") == 1


def test_images_whose_masks_are_broken_are_named_where_none_is_left(masks):
    for folder, names in (("good", range(6)), ("bad", range(6, 12))):
        for i in names:
            (masks / folder / f"{i}_mask.png").write_bytes(b"")
    done = landcover("compare", "good", "bad", "-g", "truth", folder=masks)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 12


DUBAI = ClassTable.of(
    {
        "building": (60, 16, 152),
        "land": (132, 41, 246),
        "road": (110, 193, 228),
        "vegetation": (254, 221, 58),
        "water": (226, 169, 41),
        "unlabeled": (155, 155, 155),
    },
    "unlabeled",
)


@pytest.fixture
def dubai(tmp_path):
    """`data/validation` and `maps` of masks in other colours, which a threshold at 128 makes classes of the preset."""
    rng = np.random.default_rng(0)
    for i in range(8):
        labels = rng.integers(5, size=(30, 40), dtype=np.uint8)
        for folder, share in (("data/validation", 0), ("maps", 0.2)):
            (tmp_path / folder).mkdir(exist_ok=True, parents=True)
            noise = rng.integers(5, size=labels.shape, dtype=np.uint8)
            mask = DUBAI.encode(np.where(rng.random(labels.shape) < share, noise, labels))
            save_png(mask, tmp_path / folder / f"{i}_mask.png")
    return tmp_path


EVALUATE = ("evaluate", "-g", "data/validation", "-p", "maps", "--json")
COMPARE = ("compare", "maps", "maps", "-g", "data/validation")


def test_colours_of_another_table_stop_the_scores_and_are_named(dubai):
    done = landcover(*EVALUATE, folder=dubai)
    assert (done.returncode, done.stdout) == (1, "")
    truth, predicted = done.stderr.removeprefix("error: ").splitlines()
    for line, folder in ((truth, "data/validation"), (predicted, "maps")):
        assert line.startswith(f"{folder}: 100.00% of the pixels have colours of no class: #")
        assert re.search(r"no class: (#\w{6} \(\d+\)(, )?){3} and 2 more\. .*--classes \(the preset has others\)", line)
    assert landcover(*COMPARE, folder=dubai).returncode == 1
    lifted = landcover(*EVALUATE, "--max-off-palette", "1", folder=dubai)
    assert (lifted.returncode, json.loads(lifted.stdout)["off_palette"]) == (0, 2 * 8 * 30 * 40)


@pytest.mark.parametrize("folder", ["good", "truth"])
@pytest.mark.parametrize(("rows", "code"), [(3, 0), (4, 1)])
def test_a_share_of_one_percent_is_allowed_on_either_side(masks, folder, rows, code):
    mask = read_rgb(masks / folder / "7_mask.png").copy()
    mask[:rows] = (200, 200, 199)  # rows of 27 of 9180 pixels
    save_png(mask, masks / folder / "7_mask.png")
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert done.returncode == code
    said = f"error: {folder}: 1.18% of the pixels have colours of no class: #c8c8c7 (108). Give the file"
    assert done.stderr.startswith(said if code else "note: 81 pixels have colours of no class")
    assert landcover("compare", "bad", "good", "-g", "truth", folder=masks).returncode == code
    assert landcover("compare", "bad", "good", "-g", "truth", "--max-off-palette", "0.02", folder=masks).returncode == 0


def right_score(folder):
    return score_masks(folder / "data/validation", folder / "maps", DUBAI).figures()["mean_iou"]


def write_model(path, classes):
    architecture = Architecture("baseline", None)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(Model(build(architecture, len(classes)), classes, 1.0), path)


def write_table(path, classes):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = classes.to_json()
    path.write_text(yaml.safe_dump({"data": content}) if path.suffix == ".yaml" else json.dumps(content))


@pytest.mark.parametrize(
    "place",
    [
        "data/validation/dataset.json",
        "data/dataset.json",
        "data/model.safetensors",
        "maps/fcn8s.safetensors",
        "maps/dataset.json",
        "dataset.json",
        "m.safetensors",
        "params.yaml",
    ],
)
def test_the_classes_are_found_beside_the_masks_or_in_the_project(dubai, place):
    (write_model if place.endswith("safetensors") else write_table)(dubai / place, DUBAI)
    done = landcover(*EVALUATE, folder=dubai)
    assert done.stderr == f"note: {place}: the classes and their colours are taken from it (--classes takes others)\n"
    assert json.loads(done.stdout)["mean_iou"] == right_score(dubai)
    assert landcover(*EVALUATE, "--quiet", folder=dubai).stderr == ""
    assert landcover(*COMPARE, folder=dubai).returncode == 0


def test_the_project_is_found_from_a_folder_below(dubai):
    write_table(dubai / "params.yaml", DUBAI)
    (dubai / "a" / "b").mkdir(parents=True)
    truth, maps = dubai / "data/validation", dubai / "maps"
    done = landcover("evaluate", "-g", truth, "-p", maps, "--json", folder=dubai / "a" / "b")
    assert json.loads(done.stdout)["mean_iou"] == right_score(dubai)
    assert done.stderr.startswith(f"note: {dubai / 'params.yaml'}: ")


def test_what_is_given_comes_first_then_the_truths_then_the_predictions_then_the_projects(dubai):
    write_table(dubai / "params.yaml", DEEPGLOBE)
    write_table(dubai / "maps" / "dataset.json", DUBAI)
    assert landcover(*EVALUATE, folder=dubai).returncode == 0
    write_table(dubai / "data" / "dataset.json", DEEPGLOBE)
    refused = landcover(*EVALUATE, folder=dubai)
    assert refused.returncode == 1
    assert "--classes (data/dataset.json has others)" in refused.stderr
    given = landcover(*EVALUATE, "--classes", "maps/dataset.json", folder=dubai)
    assert (given.returncode, given.stderr) == (0, "")


def test_of_several_models_none_is_taken(dubai):
    write_model(dubai / "data" / "a.safetensors", DEEPGLOBE)
    write_model(dubai / "data" / "b.safetensors", DUBAI)
    write_table(dubai / "params.yaml", DUBAI)
    assert landcover(*EVALUATE, folder=dubai).stderr.startswith("note: params.yaml: ")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data/dataset.json", '{"name": "cats", "classes": ["cat", "dog"]}'),
        ("data/dataset.json", '{"classes": {"0": "cat"}}'),
        ("data/dataset.json", "[1, 2]"),
        ("data/dataset.json", "not even JSON"),
        ("data/dataset.json", ""),
        ("data/dataset.json", b"\xff\xfe\x00"),
        ("params.yaml", "train: {lr: 1}"),
        ("params.yaml", "data: {root: x}"),
        ("params.yaml", "data: {classes: 10}"),
        ("params.yaml", "data: {classes: [cat, dog]}"),
        ("params.yaml", "data: {classes: {cat: 0, dog: 1}}"),
        ("params.yaml", "data: [1"),
        ("params.yaml", "{{ jinja }}: x"),
        ("params.yaml", ""),
        ("maps/weights.safetensors", b"no tensors"),
    ],
)
def test_files_of_other_programs_are_passed_over(masks, name, content):
    (masks / name).parent.mkdir(exist_ok=True)
    (masks / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for folder in ("truth", "good"):
        (masks / folder).rename(masks / Path(name).parent / folder)
    here = Path(name).parent
    done = landcover("evaluate", "-g", here / "truth", "-p", here / "good", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")


def test_models_of_other_programs_are_passed_over(masks):
    save_file({"weight": np.zeros(3)}, masks / "a.safetensors", metadata={"format": "pt"})
    save_file({"weight": np.zeros(3)}, masks / "b.safetensors")
    (masks / "dataset.json").mkdir()
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")
    write_model(masks / "ours.safetensors", DEEPGLOBE)
    assert "note: ours.safetensors: " in landcover("evaluate", "-g", "truth", "-p", "good", folder=masks).stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dataset.json", '{"classes": {"a": "#000000", "b": "#000000"}, "ignore": null}'),
        ("dataset.json", '{"classes": {"a": "#000000", "b": "black"}, "ignore": null}'),
        ("dataset.json", '{"classes": {"a": "#000000", "b": "#ffff'),
        ("dataset.json", '{"classes": {"a": "#000000", "b": "#ffffff"}}'),
        ("params.yaml", "data: {classes: {a: '#000000', b: '#ffffff'}, ignore: c}"),
        ("params.yaml", "data:\n  classes: {a: '#000000'}\n  classes: {b: '#ffffff'}"),
        ("params.yaml", "data:\n  classes: [1"),
    ],
)
def test_a_damaged_file_of_this_program_is_an_error(masks, name, content):
    (masks / name).write_text(content)
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {name}: no table of classes (")
    assert done.stderr.count("\n") == 1


def test_a_model_that_was_cut_short_is_an_error(masks):
    write_model(masks / "m.safetensors", DEEPGLOBE)
    (masks / "m.safetensors").write_bytes((masks / "m.safetensors").read_bytes()[:-100])
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert done.returncode == 1
    assert done.stderr.startswith("error: m.safetensors: no table of classes (")


def test_masks_that_went_through_jpeg_score_as_the_course_does_if_told_to(masks):
    for path in (masks / "good").iterdir():
        file = io.BytesIO()
        Image.open(path).save(file, "jpeg", quality=60)
        Image.open(file).save(path)
    assert landcover("evaluate", "-g", "truth", "-p", "good", folder=masks).returncode == 1
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--max-off-palette", "1", folder=masks)
    assert done.returncode == 0
    assert done.stdout.startswith(course_lines(score_masks(masks / "truth", masks / "good", DEEPGLOBE)))
    assert re.fullmatch(r"note: \d+ pixels have colours of no class; their channels count as 0 or 255\n", done.stderr)


def test_few_images_have_no_verdict(masks):
    for folder in ("truth", "good", "bad"):
        for path in sorted((masks / folder).iterdir())[1:]:
            path.unlink()
    content = json.loads(landcover("compare", "good", "bad", "-g", "truth", "--json", folder=masks).stdout)
    assert content["low"] is content["high"] is content["share_a_better"] is None
    done = landcover("compare", "good", "bad", "-g", "truth", folder=masks)
    assert done.stdout.splitlines()[2:] == [
        f"A - B: {content['difference']:.6f}, 95 % interval -",
        "A is better in - of 2000 resamples of 1 images",
        "too few images for a verdict: 1, at least 6 are needed",
    ]


SIDE = 13_400  # squared, more than Pillow reads


def write_large(path, labels, **options):
    """A map of SIDE x SIDE as `landcover predict` writes it: blocks of 512 of a label each."""
    size = {"count": 1, "height": SIDE, "width": SIDE, "dtype": "uint8", "compress": "deflate", "nodata": IGNORE}
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(path, "w", driver="GTiff", **size, **options) as file:
        file.write_colormap(1, dict(enumerate((*colour, 255) for colour in DEEPGLOBE.palette.tolist())))
        for i, label in enumerate(labels):
            rows = np.full((1, SIDE // len(labels), SIDE), label, np.uint8)
            file.write(rows, window=Window(0, i * rows.shape[1], SIDE, rows.shape[1]))


@pytest.mark.filterwarnings("ignore")
def test_maps_that_are_too_large_to_be_read_as_a_whole_are_scored(tmp_path):
    write_large(tmp_path / "truth" / "a_mask.tif", [0, 1, 2, IGNORE])
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


def test_colours_of_no_class_are_a_note(masks):
    mask = read_rgb(masks / "good" / "0_mask.png").copy()
    mask[:2, :3] = mask[:2, :3] // 255 * 200
    save_png(mask, masks / "good" / "0_mask.png")
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert done.returncode == 0
    assert done.stderr.startswith("note: 6 pixels have colours of no class")
    assert landcover("evaluate", "-g", "truth", "-p", "good", "-q", folder=masks).stderr == ""


def test_compare_tells_whether_the_difference_is_more_than_chance(masks):
    done = landcover_process("compare", "good", "bad", "-g", "truth", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")
    *figures, verdict = done.stdout.splitlines()
    assert verdict == "A is better by more than chance"
    assert figures[-1] == "A is better in 100.0 % of 2000 resamples of 12 images"
    assert landcover("compare", "bad", "good", "-g", "truth", "-q", folder=masks).stdout == (
        "B is better by more than chance\n"
    )
    content = json.loads(landcover("compare", "good", "good", "-g", "truth", "--json", folder=masks).stdout)
    assert (content["difference"], content["verdict"]) == (0, "no difference beyond chance at 95 %")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "-g", "nowhere", "-p", "good"], 1, "error: nowhere: no such folder"),
        (["evaluate", "-g", "truth", "-p", "good", "--classes", "c.json"], 1, "error: c.json: no such file"),
        (["evaluate", "-g", "truth"], 2, "required: -p/--pred"),
        (["compare", "good", "bad", "-g", "truth", "--resamples", "5"], 2, "give a number from 100"),
    ],
)
def test_scoring_commands_say_what_is_wrong(masks, arguments, code, message):
    done = landcover(*arguments, folder=masks)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr.splitlines()[-1]


def test_scoring_imports_neither_torch_nor_pandas(masks):
    code = "import sys; from landcover.cli import main\n"
    code += "sys.argv = 'landcover evaluate -g truth -p good --classes'.split() + [sys.argv[1]]\n"
    code += "main.main(); assert not {'torch', 'pandas'} & set(sys.modules)"
    command = [sys.executable, "-c", code, str(ROOT / "params.yaml")]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, cwd=masks, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
