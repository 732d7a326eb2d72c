import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from landcover.classes.class_table import UNKNOWN
from landcover.images.image_files import read_packed, read_rgb
from landcover.images.pairs import find_samples
from landcover.inference.mask_files import predict_masks
from landcover.inference.model_scores import score_model
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_image
from landcover.models.model_file import Model, load_model
from landcover.scoring.scores import score_masks
from landcover.system.errors import LandcoverError


@pytest.fixture
def model(model_file):
    return load_model(model_file)


@pytest.mark.parametrize("options", [InferenceOptions(), InferenceOptions(tta="d4", window=64, overlap=0.5)])
def test_scores_equal_those_of_the_written_masks(model, pairs, tmp_path, options):
    samples = find_samples(pairs)
    predict_masks(model, {sample.name: sample.image for sample in samples}, tmp_path / "out", options)
    drawn = score_masks(pairs, tmp_path / "out", model.classes)
    scores = score_model(model, samples, options).scores
    assert scores.figures() == drawn.figures()
    assert list(scores.per_image) == list(drawn.per_image)


def test_the_loss_is_the_cross_entropy_of_the_known_pixels(model, pairs):
    mask = np.asarray(Image.open(pairs / "0001_mask.png")).copy()
    mask[:10] = 0  # unknown
    Image.fromarray(mask).save(pairs / "0001_mask.png")
    total, count = 0.0, 0
    for sample in find_samples(pairs):
        image = torch.from_numpy(read_rgb(sample.image).copy()).permute(2, 0, 1)[None].float() / 255
        labels = torch.from_numpy(model.classes.decode(read_packed(sample.mask))[0].astype(np.int64))[None]
        with torch.inference_mode():
            logits = model.network(image)
        total += functional.cross_entropy(logits, labels, ignore_index=UNKNOWN, reduction="sum").item()
        count += (labels != UNKNOWN).sum().item()
    assert score_model(model, find_samples(pairs)).loss == pytest.approx(total / count, rel=1e-5)


def test_the_loss_is_computed_at_full_size_at_any_working_resolution(model, pairs):
    half = Model(model.network, model.classes, 0.5)
    result = score_model(half, find_samples(pairs))
    seen = []
    for sample in find_samples(pairs):
        strips = []
        label_image(half, read_rgb(sample.image), probabilities=strips.append)
        labels, _ = model.classes.decode(read_packed(sample.mask))
        seen.append(np.take_along_axis(np.concatenate(strips, 1), labels[None].astype(np.int64), 0).ravel())
    assert result.loss == pytest.approx(-np.log(np.concatenate(seen)).mean(), rel=1e-5)


def test_a_model_that_is_certain_and_wrong_has_a_finite_loss(model, pairs):
    for parameter in model.network.decoder.parameters():
        parameter.data.mul_(1e4)
    assert np.isfinite(score_model(model, find_samples(pairs)).loss)


def test_without_known_pixels_there_is_no_loss(model, pairs):
    for sample in find_samples(pairs):
        Image.fromarray(np.zeros_like(read_rgb(sample.mask))).save(sample.mask)
    result = score_model(model, find_samples(pairs))
    assert (result.loss, result.scores.figures()["pixel_accuracy"]) == (None, None)


def test_broken_pairs_are_listed_and_the_others_scored(model, pairs):
    (pairs / "0000_sat.png").write_bytes(b"no image")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(pairs / "0002_mask.png")
    result = score_model(model, find_samples(pairs))
    assert list(result.scores.per_image) == ["0001"]
    assert [line.split(":")[0] for line in result.scores.broken] == [
        str(pairs / "0000_sat.png"),
        str(pairs / "0002_mask.png"),
    ]
    assert "9x9 and 21x70 pixels" in result.scores.broken[1]
    (pairs / "0001_sat.png").write_bytes(b"")
    with pytest.raises(LandcoverError) as error:
        score_model(model, find_samples(pairs))
    assert len(str(error.value).splitlines()) == 3
