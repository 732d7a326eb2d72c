import json

import pytest
from conftest import landcover

from landcover.images.image_files import read_rgb, save_png
from landcover.images.pairs import find_samples
from landcover.inference.model_scores import score_model
from landcover.inference.options import InferenceOptions
from landcover.models.model_file import load_model


@pytest.fixture
def result(model_file, pairs):
    return score_model(load_model(model_file), find_samples(pairs), InferenceOptions(tta="flip"))


def test_validate_prints_loss_and_scores_and_writes_nothing(result, pairs, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    done = landcover("validate", "pairs", "-m", "m.safetensors", "--tta", "flip", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    figures = result.scores.figures()
    assert done.stdout.splitlines() == [
        f"loss: {result.loss:.6f}",
        f"mean_iou: {figures['mean_iou']:.6f}",
        f"pixel_accuracy: {figures['pixel_accuracy']:.6f}",
    ]
    assert sorted(tmp_path.rglob("*")) == before


def test_as_json_it_has_all_scores_unrounded(result, tmp_path):
    done = landcover("validate", "pairs", "-m", "m.safetensors", "--tta", "flip", "--json", folder=tmp_path)
    content = json.loads(done.stdout)
    assert content["loss"] == pytest.approx(result.loss)
    figures = result.scores.figures()
    assert {key: content[key] for key in figures} == figures


@pytest.mark.parametrize(
    ("damage", "stdout", "message"),
    [
        (lambda folder: (folder / "0001_sat.png").write_bytes(b""), True, "error: pairs/0001_sat.png: not readable"),
        (lambda folder: (folder / "0001_sat.png").unlink(), False, "error: pairs/0001_mask.png: no image 0001_sat"),
        (lambda folder: folder.rename(folder.with_name("moved")), False, "error: pairs: no such folder."),
    ],
)
def test_validate_says_what_is_wrong(model_file, pairs, tmp_path, damage, stdout, message):
    damage(pairs)
    done = landcover("validate", "pairs", "-m", "m.safetensors", folder=tmp_path)
    assert done.returncode == 1
    assert bool(done.stdout) == stdout
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(message)


def test_masks_of_other_classes_than_the_models_are_refused(model_file, pairs, tmp_path):
    mask = read_rgb(pairs / "0001_mask.png").copy()
    mask[:2] = (60, 16, 152)  # 114 of 4951 pixels
    save_png(mask, pairs / "0001_mask.png")
    done = landcover("validate", "pairs", "-m", "m.safetensors", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "error: pairs: 2.30% of the pixels have colours of no class: #3c1098 (114). Give masks in the colours of the "
    )
    lifted = landcover("validate", "pairs", "-m", "m.safetensors", "--max-off-palette", "0.03", folder=tmp_path)
    assert lifted.returncode == 0
