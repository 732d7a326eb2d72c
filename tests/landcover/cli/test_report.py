import json
import shutil

import numpy as np
import page_data
import pytest
from conftest import landcover, landcover_process, write_geotiff
from PIL import Image

from landcover.classes.class_table import DEEPGLOBE
from landcover.images.image_files import read_packed, save_png


@pytest.fixture
def images(masks):
    """The folder of `masks` with a folder `images` of noise, and the confidence of the good masks."""
    (masks / "images").mkdir()
    for path in (masks / "truth").iterdir():
        rng = np.random.default_rng(0)
        height, width = np.asarray(Image.open(path)).shape[:2]
        name = path.name.removesuffix("_mask.png")
        save_png(rng.integers(256, size=(height, width, 3), dtype=np.uint8), masks / "images" / f"{name}_sat.png")
        Image.fromarray(rng.integers(1, 256, size=(height, width), dtype=np.uint8)).save(
            masks / "good" / f"{name}_confidence.png"
        )
    return masks


def labels_of(path):
    return DEEPGLOBE.decode(read_packed(path))[0]


def report(folder, *arguments):
    return landcover("report", *arguments, "-o", "page.html", folder=folder)


def test_report_writes_a_page_of_all_images_with_the_scores_of_evaluate(images):
    done = landcover_process("report", "good", "-g", "truth", "-i", "images", "-o", "page.html", folder=images)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"page.html: {(images / 'page.html').stat().st_size / 1e6:.1f} MB; all 12 images are shown.\n"
    blocks = page_data.blocks(images / "page.html")
    content = blocks["report"]
    assert (content["title"], content["selection"]["text"]) == ("good", "")
    assert [item["name"] for item in content["items"]] == sorted(map(str, range(12)))
    for name in ("0", "11"):
        layers = page_data.layers(blocks, name)
        assert (layers["truth"] == labels_of(images / "truth" / f"{name}_mask.png")).all()
        assert (layers["prediction"] == labels_of(images / "good" / f"{name}_mask.png")).all()
        assert layers["other"] is None and layers["confidence"].min() > 0 and layers["image"].ndim == 3
    expected = json.loads(landcover("evaluate", "-g", "truth", "-p", "good", "--json", folder=images).stdout)
    scores = content["scores"]
    for key in ("mean_iou", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iou", "images"):
        assert scores[key] == expected[key]
    for key in ("iou", "precision", "recall", "f1", "share"):
        assert scores["by_class"][key] == list(expected[key].values())
    assert scores["mean_iou_low"] < scores["mean_iou"] < scores["mean_iou_high"]
    assert np.sum(scores["confusion"]) == expected["pixels"]
    assert sum(bin["share"] for bin in content["calibration"]["bins"]) == pytest.approx(1)
    assert [entry["name"] for entry in content["classes"]] == DEEPGLOBE.names
    assert content["ignore"] == {"name": "unknown", "colour": "#000000", "safe": "#000000"}


def test_two_predictions_are_compared_as_compare_does(images):
    assert report(images, "bad", "-g", "truth", "--against", "good").returncode == 0
    blocks = page_data.blocks(images / "page.html")
    content = blocks["report"]
    expected = json.loads(landcover("compare", "bad", "good", "-g", "truth", "--json", folder=images).stdout)
    assert content["comparison"] == {key: expected[key] for key in content["comparison"]}
    assert content["comparison"]["verdict"] == "B is better by more than chance"
    assert content["labels"] == {"prediction": "bad", "other": "good"}
    other = json.loads(landcover("evaluate", "-g", "truth", "-p", "good", "--json", folder=images).stdout)
    assert content["other_scores"]["mean_iou"] == other["mean_iou"]
    assert (page_data.layers(blocks, "3")["other"] == labels_of(images / "good" / "3_mask.png")).all()
    assert content["items"][0]["other_scores"]["mean_iou"] > content["items"][0]["scores"]["mean_iou"]


def test_predictions_of_equal_folder_names_are_called_by_their_paths(images):
    shutil.copytree(images / "bad", images / "older" / "good")
    assert report(images, "good", "-g", "truth", "--against", "older/good").returncode == 0
    assert page_data.blocks(images / "page.html")["report"]["labels"] == {"prediction": "good", "other": "older/good"}


def test_without_truth_a_page_has_no_scores_and_shows_how_sure_the_network_was(images):
    done = report(images, "good", "-i", "images", "--title", "No <truth>")
    assert (done.returncode, done.stderr) == (0, "")
    content = page_data.blocks(images / "page.html")["report"]
    assert content["title"] == "No <truth>"
    assert content["scores"] is content["comparison"] is content["calibration"] is content["items"][0]["scores"] is None
    assert content["items"][0]["has"] == {
        "image": True, "truth": False, "prediction": True, "other": False, "confidence": True
    }  # fmt: skip
    done = report(images, "good", "--against", "bad")
    assert (done.returncode, done.stderr) == (0, "")
    content = page_data.blocks(images / "page.html")["report"]
    assert content["comparison"] is None and content["items"][0]["has"]["other"]


def test_a_page_of_limited_size_says_which_images_it_shows(images):
    report(images, "good", "-g", "truth")
    limit = (images / "page.html").stat().st_size  # less than that of all images takes, however compressed
    done = report(images, "good", "-g", "truth", "-i", "images", "--megabytes", limit / 1e6)
    assert (images / "page.html").stat().st_size <= limit
    selection = page_data.blocks(images / "page.html")["report"]["selection"]
    assert 0 < selection["shown"] < 12 and f"{selection['shown']} of 12 images are shown, by mean IoU: " in done.stdout
    (images / "page.html").unlink()
    done = report(images, "good", "-g", "truth", "--megabytes", 0.1)
    assert done.returncode == 1 and "no image fits into 0.1 MB" in done.stderr
    assert not (images / "page.html").exists()


def test_everything_that_is_wrong_with_files_is_named_and_nothing_is_written(images):
    (images / "page.html").write_text("as before")
    (images / "images" / "2_sat.png").unlink()
    (images / "truth" / "3_mask.png").write_bytes(b"no image")
    save_png(np.zeros((5, 7, 3), np.uint8), images / "images" / "4_sat.png")
    (images / "good" / "5_confidence.png").write_bytes(b"")
    done = report(images, "good", "-g", "truth", "-i", "images")
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.removeprefix("error: ").splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "truth/3_mask.png", "good/2_mask.png", "images/4_sat.png", "good/5_confidence.png"
    ]  # fmt: skip
    assert (images / "page.html").read_text() == "as before"


def test_files_without_a_partner_are_left_out_if_told_to(images):
    (images / "good" / "2_mask.png").unlink()
    (images / "images" / "3_sat.png").unlink()
    assert report(images, "good", "-g", "truth", "-i", "images").returncode == 1
    done = report(images, "good", "-g", "truth", "-i", "images", "--allow-missing")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "note: 1 images are left out because one of the folders has no mask for them",
        "note: 1 masks are shown without an image because images has none for them",
        "note: 1 images are left out because good has no mask for them",
    ]
    items = {item["name"]: item for item in page_data.blocks(images / "page.html")["report"]["items"]}
    assert "2" not in items and items["3"]["has"]["image"] is False and len(items) == 11


def test_there_is_no_calibration_if_some_predictions_lack_confidence(images):
    (images / "good" / "5_confidence.png").unlink()
    done = report(images, "good", "-g", "truth")
    assert done.stderr == "note: no calibration: only 11 of 12 predictions have NAME_confidence beside them\n"
    content = page_data.blocks(images / "page.html")["report"]
    has = {item["name"]: item["has"]["confidence"] for item in content["items"]}
    assert content["calibration"] is None and not has.pop("5") and all(has.values())


def test_masks_in_other_colours_are_refused_once(images):
    for path in (images / "good").glob("*_mask.png"):
        Image.fromarray(np.asarray(Image.open(path)) // 2 + 60).save(path)
    for arguments in (["-g", "truth"], []):
        done = report(images, "good", *arguments, "--classes", "classes.json")
        assert done.returncode == 1
    (images / "classes.json").write_text(json.dumps({"classes": {"a": "#010203", "b": "#040506"}, "ignore": None}))
    done = report(images, "good", "--classes", "classes.json")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "of the pixels have colours of no class" in done.stderr and "--max-off-palette" in done.stderr


def test_georeferenced_files_give_corners_and_plain_names_are_paired(tmp_path):
    labels = np.random.default_rng(0).integers(6, size=(20, 30), dtype=np.uint8)
    for folder in ("maps", "truth", "images"):
        (tmp_path / folder).mkdir()
    save_png(DEEPGLOBE.encode(labels), tmp_path / "truth" / "town.png")
    write_geotiff(tmp_path / "maps" / "town.tif", labels[None])
    with_palette(tmp_path / "maps" / "town.tif")
    write_geotiff(tmp_path / "images" / "town.tif", np.random.default_rng(0).random((4, 20, 30)).astype(np.float32))
    done = report(tmp_path, "maps", "-g", "truth", "-i", "images")
    assert (done.returncode, done.stderr) == (0, "")
    (item,) = page_data.blocks(tmp_path / "page.html")["report"]["items"]
    assert (item["name"], item["scores"]["mean_iou"]) == ("town", 1)
    assert page_data.corners(item["degrees"])[0] == pytest.approx((15, 45.16), abs=0.01)
    assert item["bands"] == "band 1, band 2, band 3"


def with_palette(path):
    import rasterio

    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, dict(enumerate((*colour, 255) for colour in DEEPGLOBE.palette.tolist())))


def test_a_page_never_replaces_an_input_or_something_else(images):
    for name in ("page.png", "truth/0_mask.png"):
        done = landcover("report", "good", "-g", "truth", "-o", name, folder=images)
        assert done.returncode == 2 and "ends in .html" in done.stderr
    done = report(images, "good", "-i", "elsewhere")
    assert done.returncode == 1 and "elsewhere: no such folder" in done.stderr
    (images / "page.html").mkdir()
    done = report(images, "good", "-g", "truth")
    assert done.returncode == 1 and "page.html: cannot be written" in done.stderr


def test_names_that_are_not_utf8_or_hold_markup_are_shown(images):
    for old, new in (("0", "<script>alert('x')</script>".replace("/", "\u2215")), ("1", "a\nb"), ("2", "\udcff")):
        for folder in ("truth", "good"):
            (images / folder / f"{old}_mask.png").rename(images / folder / f"{new}_mask.png")
    done = report(images, "good", "-g", "truth")
    assert done.returncode == 0
    names = {item["name"] for item in page_data.blocks(images / "page.html")["report"]["items"]}
    assert {"<script>alert('x')<\u2215script>", r"a\nb", r"\udcff"} < names
    assert "<script>alert" not in (images / "page.html").read_text()
