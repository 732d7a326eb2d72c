import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, landcover, landcover_process

from landcover.classes import DEEPGLOBE
from landcover.reports import course_lines
from landcover.samples import read_rgb, save_png
from landcover.scoring import score_masks


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


def test_masks_without_a_partner_are_left_out_if_told_to_and_counted(masks):
    for name in ("3", "5"):
        (masks / "good" / f"{name}_mask.png").unlink()
    (masks / "truth" / "7_mask.png").unlink()
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--allow-missing", folder=masks)
    assert (done.returncode, done.stderr) == (
        0,
        "note: 3 pictures are left out, whose mask is missing in one of the folders\n",
    )
    assert "pictures: 9," in done.stdout
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--allow-missing", "--json", folder=masks)
    assert (json.loads(done.stdout)["pictures"], json.loads(done.stdout)["missing"]) == (9, 3)
    done = landcover("compare", "bad", "good", "-g", "truth", "--allow-missing", "--json", folder=masks)
    assert (done.returncode, done.stderr) == (
        0,
        "note: 3 pictures are left out, whose mask is missing in one of the folders\n",
    )
    assert (json.loads(done.stdout)["pictures"], json.loads(done.stdout)["missing"]) == (9, 3)
    for path in (masks / "good").iterdir():
        path.rename(path.with_name(f"other_{path.name}"))
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--allow-missing", folder=masks)
    assert (done.returncode, done.stdout) == (1, "")


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
    command = [sys.executable, "-c", code, str(ROOT / "params.yaml")]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, cwd=masks, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
