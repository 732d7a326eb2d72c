import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from landcover import cli, devices, inference, predict_command, scoring_commands, tiling
from landcover.classes import DEEPGLOBE
from landcover.model_file import Model, load_model, save_model
from landcover.model_table import model_table
from landcover.models import MODELS, Architecture, backbones_of, build
from landcover.reports import course_lines
from landcover.samples import read_rgb, save_png
from landcover.scoring import score_masks


def landcover(*arguments, folder):
    command = [sys.executable, "-m", "landcover", *map(str, arguments)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def model(classes, tmp_path):
    torch.manual_seed(0)
    architecture = Architecture("fcn8s", "resnet18")
    save_model(Model(build(architecture, 3), architecture, classes, 1.0), tmp_path / "m.safetensors")


def test_predict_takes_folders_and_single_pictures(model, pairs, tmp_path):
    (pairs / "0001_sat.png").rename(tmp_path / "town.png")
    done = landcover("predict", "pairs", "town.png", "-m", "m.safetensors", "-o", "out/maps", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    sizes = {path.name: read_rgb(path).shape[:2] for path in (tmp_path / "out" / "maps").iterdir()}
    assert sizes == {"0000_mask.png": (40, 40), "town_mask.png": (33, 57), "0002_mask.png": (70, 21)}


def test_a_folder_of_plain_pictures_and_an_unexpanded_pattern_will_do(model, pairs, tmp_path):
    for path in pairs.glob("*_sat.png"):
        path.rename(path.with_name(path.name.replace("_sat", "")))
    arguments = ("-m", "m.safetensors", "-o")
    assert landcover("predict", "pairs", *arguments, "a", folder=tmp_path).stdout == "a: 3 masks\n"
    assert landcover("predict", "**/000[02].png", *arguments, "b", "-q", folder=tmp_path).stdout == ""
    masks = [sorted(path.name for path in (tmp_path / folder).iterdir()) for folder in ("a", "b")]
    assert masks == [["0000_mask.png", "0001_mask.png", "0002_mask.png"], ["0000_mask.png", "0002_mask.png"]]


def test_masks_that_are_there_are_kept_unless_overwritten(model, pairs, tmp_path):
    arguments = ("predict", "pairs", "-m", "m.safetensors", "-o", "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0001_mask.png").write_bytes(b"mine")
    done = landcover(*arguments, folder=tmp_path)
    assert done.stdout == "out: 2 masks; 1 kept that were there (--overwrite draws them anew)\n"
    assert (tmp_path / "out" / "0001_mask.png").read_bytes() == b"mine"
    assert landcover(*arguments, "--overwrite", folder=tmp_path).stdout == "out: 3 masks\n"
    assert read_rgb(tmp_path / "out" / "0001_mask.png").shape == (33, 57, 3)


def test_broken_pictures_are_listed_and_the_others_labelled(model, pairs, tmp_path):
    (pairs / "0000_sat.png").write_bytes(b"no picture")
    whole = (pairs / "0002_sat.png").read_bytes()
    (pairs / "0002_sat.png").write_bytes(whole[: len(whole) // 2])
    done = landcover("predict", "pairs", "none.jpg", "-m", "m.safetensors", "-o", "out", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "out: 1 masks\n")
    named = [line.removeprefix("error: ").split(":")[0] for line in done.stderr.splitlines()]
    assert named == ["pairs/0000_sat.png", "pairs/0002_sat.png", "none.jpg"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0001_mask.png"]


def test_the_windows_are_those_asked_for(model, classes, tmp_path):
    image = np.random.default_rng(0).integers(256, size=(80, 150, 3), dtype=np.uint8)
    save_png(image, tmp_path / "a.png")
    tiled = ("--window", "64", "--overlap", "0.5", "--batch-size", "2", "--tta", "flip")
    done = landcover("predict", "a.png", "-m", "m.safetensors", "-o", "out", *tiled, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    loaded = load_model(tmp_path / "m.safetensors")
    labels = inference.label_image(loaded, image, "flip", window=64, overlap=0.5, batch_size=2)
    assert (read_rgb(tmp_path / "out" / "a_mask.png") == classes.encode(labels)).all()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a.png", "--window", "100"], 2, "argument --window: 100: give a multiple of 32 from 64"),
        (["a.png", "--window", "32"], 2, "argument --window: 32: give a multiple of 32 from 64"),
        (["a.png", "--overlap", "0.9"], 2, "argument --overlap: 0.9: give a share from 0 to below 0.9"),
        (["a.png", "--batch-size", "0"], 2, "argument --batch-size: 0: give a number from 1"),
        (["*.bmp"], 1, "error: *.bmp: no file is called so."),
        (["a.png", "other/a_sat.png"], 1, "error: other/a_sat.png: a.png has the same name."),
    ],
)
def test_predict_says_what_is_wrong(arguments, code, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["landcover", "predict", *arguments, "-m", "m.safetensors", "-o", "out"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert message in (capsys.readouterr().err if code == 2 else end.value.code)


def test_an_error_is_one_line(model, tmp_path):
    done = landcover("predict", "nowhere.jpg", "-m", "m.safetensors", "-o", "out", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [done.stderr.rstrip("\n")]
    assert "nowhere.jpg" in done.stderr


def test_models_lists_what_fits_with_its_size_cost_and_stride(tmp_path):
    done = landcover("models", "--model", "baseline", "--classes", "8", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    heading, row, note = done.stdout.splitlines()
    assert heading.split() == ["model", "backbone", "parameters", "GFLOPs", "at", "512x512", "stride"]
    assert row.split() == ["baseline", "-", "155,976", "6.3", "16"]
    assert len(row) == len(heading)
    assert "multiply-add is two" in note


@pytest.mark.parametrize("backbone", ["vgg11", "mobilenet_v3_large", "convnext_tiny"])
def test_the_table_has_a_row_for_every_model_that_works_on_a_backbone(backbone):
    expected = [model for model in MODELS if backbone in backbones_of(model)]
    assert [(row.model, row.backbone) for row in model_table(backbone=backbone)] == [(m, backbone) for m in expected]


def test_the_table_has_a_row_for_every_backbone_that_a_model_works_on():
    assert [row.backbone for row in model_table("deeplabv3")] == list(backbones_of("deeplabv3"))


@pytest.mark.parametrize("pair", [("fcn1s", "resnet18"), ("fcn8s_deconv5", "mobilenet_v2"), ("deeplabv3", "resnet50")])
def test_the_rows_are_those_of_the_network(pair):
    (row,) = model_table(*pair, classes=5)
    with torch.device("meta"):
        network = build(Architecture(*pair), 5)
    assert row.parameters == sum(weights.numel() for weights in network.parameters())
    assert row.stride == network.stride


def test_a_multiply_add_counts_two():
    (row,) = model_table("baseline", classes=8)
    pixels = 512 * 512
    fine = 9 * (3 * 16 + 16 * 32) * pixels
    coarse = 9 * (32 * 64 + 64 * 128) * pixels // 16
    # Each output pixel of a transposed convolution of kernel 2 and stride 2 has one weight of each input channel.
    up = (128 * 64 // 64 + 64 * 64 // 16 + 64 * 32 // 4 + 32 * 8) * pixels
    assert row.gflops == pytest.approx(2 * (fine + coarse + up) / 1e9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "fcn9s"], "error: no model 'fcn9s'; there are fcn32s, "),
        (["--backbone", "vgg"], "error: no backbone 'vgg'; there are vgg11, "),
        (["--model", "deeplabv3", "--backbone", "vgg16"], "error: deeplabv3 does not work on vgg16, but on resnet50, "),
        (
            ["--model", "baseline", "--backbone", "vgg16"],
            "error: baseline does not work on vgg16, but on an encoder of",
        ),
        (["--classes", "0"], "error: --classes 0: give a number from 1"),
    ],
)
def test_models_says_what_there_is(arguments, message, monkeypatch):
    monkeypatch.setattr("sys.argv", ["landcover", "models", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code.startswith(message)
    assert "\n" not in end.value.code


def test_info_says_what_a_model_is(model, tmp_path):
    done = landcover("info", "m.safetensors", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["model: fcn8s", "backbone: resnet18"]
    parameters = sum(weights.numel() for weights in load_model(tmp_path / "m.safetensors").network.parameters())
    assert lines[4:8] == [f"parameters: {parameters:,}", "stride: 8", "scale: 1.0", "classes:"]
    assert lines[8:] == ["  urban #00ffff", "  forest #00ff00", "  water #0000ff", "  unknown #000000, never predicted"]
    missing = landcover("info", "none.safetensors", folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("error: none.safetensors: no such file.")


def test_the_choices_are_those_of_the_library():
    assert tuple(inference.TTA) == predict_command.VIEWS
    assert predict_command.DEVICES == devices.DEVICES
    assert predict_command.ALIGNMENT == tiling.ALIGNMENT


def test_help_imports_nothing_heavy(tmp_path):
    code = "import sys; from landcover import cli; sys.argv = ['landcover', '--help']\n"
    code += "try: cli.main()\nexcept SystemExit: pass\nassert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"landcover predict" in done.stdout


@pytest.fixture
def masks(tmp_path):
    """Folders `truth`, `good` and `bad` of masks of twelve pictures."""
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
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
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
    assert (content["pictures"], content["off_palette"], content["broken"]) == (12, 0, [])


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
    (masks / "truth" / "5_mask.png").write_bytes(b"no picture")
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert done.returncode == 1
    assert "mean_iou: " in done.stdout
    assert "pictures: 10," in done.stdout
    named = [line.removeprefix("error: ").split(":")[0] for line in done.stderr.splitlines()]
    assert named == ["good/3_mask.png", "truth/5_mask.png"]
    compared = landcover("compare", "good", "bad", "-g", "truth", folder=masks)
    assert compared.returncode == 1
    assert "of 10 pictures" in compared.stdout
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


def test_the_colours_can_come_from_a_model(classes, model, tmp_path):
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
    done = landcover("compare", "good", "bad", "-g", "truth", folder=masks)
    assert (done.returncode, done.stderr) == (0, "")
    *figures, verdict = done.stdout.splitlines()
    assert verdict == "A is better by more than chance"
    assert figures[-1] == "A is better in 100.0 % of 2000 resamples of 12 pictures"
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
    code = "import sys; from landcover import cli\n"
    code += "sys.argv = 'landcover evaluate -g truth -p good --classes'.split() + [sys.argv[1]]\n"
    code += "cli.main(); assert not {'torch', 'pandas'} & set(sys.modules)"
    command = [sys.executable, "-c", code, str(Path(__file__).parents[2] / "params.yaml")]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, cwd=masks, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_defaults_are_those_of_the_parameters():
    params = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    assert params["evaluate"]["resamples"] == scoring_commands.RESAMPLES
    tiled = {name: params["predict"][name] for name in ("window", "overlap", "batch_size")}
    command = predict_command
    assert tiled == {"window": command.WINDOW, "overlap": command.OVERLAP, "batch_size": command.BATCH_SIZE}
    assert inspect.getfullargspec(inference.label_bands).kwonlydefaults == tiled


@pytest.mark.parametrize("command", ["predict", "evaluate", "compare", "export"])
def test_help_of_the_commands_has_examples_and_exit_codes(command, tmp_path):
    text = landcover(command, "--help", folder=tmp_path).stdout
    assert f"  landcover {command} " in text
    assert "exit codes:" in text
