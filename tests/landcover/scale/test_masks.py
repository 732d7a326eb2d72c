import shutil

import pytest
import torch

from landcover.inference.mask_files import predict_masks
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import for_inference
from landcover.models.model_file import load_model
from landcover.scale.masks import predict_masks_on
from landcover.system.errors import LandcoverError


@pytest.fixture
def images(pairs):
    return {path.stem.removesuffix("_sat"): path for path in sorted(pairs.glob("*_sat.png"))}


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_workers_write_the_files_of_a_single_process(cluster, model_file, images, tmp_path):
    model, options = for_inference(load_model(model_file), torch.device("cpu")), InferenceOptions(tta="flip")
    layers = {"probabilities": True, "confidence": True}
    predict_masks(model, images, tmp_path / "one", options, **layers)
    assert predict_masks_on(cluster, model, images, tmp_path / "many", options, **layers) == []
    assert content(tmp_path / "one") == content(tmp_path / "many")


def test_broken_images_are_lines_and_the_others_have_masks(cluster, model_file, images, tmp_path):
    for name in ("0002", "0001"):
        images[name].write_bytes(b"no image")
    lines = predict_masks_on(cluster, load_model(model_file), images, tmp_path / "out", keep_going=True)
    assert ["0001" in lines[0], "0002" in lines[1], len(lines)] == [True, True, 2]
    assert [*content(tmp_path / "out")] == ["0000_mask.png"]
    with pytest.raises(LandcoverError, match=r"0001_sat\.png: not readable"):
        predict_masks_on(cluster, load_model(model_file), images, tmp_path / "out")


def test_no_mask_replaces_an_image(cluster, model_file, images, tmp_path):
    shutil.copy(images["0000"], tmp_path / "a_mask.png")
    with pytest.raises(LandcoverError, match=r"a_mask\.png: an input, which would be replaced"):
        predict_masks_on(cluster, load_model(model_file), {"a": tmp_path / "a_mask.png"}, tmp_path)
