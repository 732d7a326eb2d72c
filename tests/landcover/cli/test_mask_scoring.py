"""What evaluate and compare do alike."""

import json

import pytest
from conftest import landcover

from landcover.images.image_files import read_rgb, save_png


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
    unpaired = ["truth/3_mask.png", "truth/5_mask.png", "good/7_mask.png"]
    for arguments, expected in (
        (("evaluate", "-p", "good"), unpaired),
        (("compare", "good", "bad"), [*unpaired, "bad/7_mask.png"]),
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
        "note: 3 images are left out because one of the folders has no mask for them\n",
    )
    assert "images: 9," in done.stdout
    done = landcover("evaluate", "-g", "truth", "-p", "good", "--allow-missing", "--json", folder=masks)
    assert (json.loads(done.stdout)["images"], json.loads(done.stdout)["missing"]) == (9, 3)
    done = landcover("compare", "bad", "good", "-g", "truth", "--allow-missing", "--json", folder=masks)
    assert (done.returncode, done.stderr) == (
        0,
        "note: 3 images are left out because one of the folders has no mask for them\n",
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


def test_colours_of_no_class_are_a_note(masks):
    mask = read_rgb(masks / "good" / "0_mask.png").copy()
    mask[:2, :3] = mask[:2, :3] // 255 * 200
    save_png(mask, masks / "good" / "0_mask.png")
    done = landcover("evaluate", "-g", "truth", "-p", "good", folder=masks)
    assert done.returncode == 0
    assert done.stderr.startswith("note: 6 pixels have colours of no class")
    assert landcover("evaluate", "-g", "truth", "-p", "good", "-q", folder=masks).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["evaluate", "-g", "nowhere", "-p", "good"], 1, "error: nowhere: no such folder"),
        (["evaluate", "-g", "truth", "-p", "good", "--classes", "c.json"], 1, "error: c.json: no such file"),
        (["evaluate", "-g", "truth"], 2, "Missing option '-p' / '--pred'"),
        (["compare", "good", "bad", "-g", "truth", "--resamples", "5"], 2, "give a whole number from 100"),
    ],
)
def test_scoring_commands_say_what_is_wrong(masks, arguments, code, message):
    done = landcover(*arguments, folder=masks)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr.splitlines()[-1]
