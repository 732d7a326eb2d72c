from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import write_geotiff
from PIL import Image

from landcover.geo.maps import predict_map
from landcover.images.image_files import read_rgb
from landcover.images.pairs import find_images
from landcover.inference.engines import TorchEngine, find_engine
from landcover.inference.mask_files import file_mapper, predict_masks
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_image
from landcover.models.model_file import load_model
from landcover.system.errors import LandcoverError
from landcover.system.parallel import chunked_map, parallel_map


@pytest.fixture
def model(model_file):
    return load_model(model_file)


def test_masks_and_probabilities_are_those_of_the_images(model, pairs, tmp_path):
    images, options = find_images(pairs), InferenceOptions(window=64, overlap=0)
    assert predict_masks(model, images, tmp_path / "out", options, probabilities=True) == []
    for name, path in images.items():
        labels = label_image(model, read_rgb(path), options)
        assert (read_rgb(tmp_path / "out" / f"{name}_mask.png") == model.classes.encode(labels)).all()
        assert (np.load(tmp_path / "out" / f"{name}_probabilities.npy").argmax(0) == labels).all()


def test_confidence_is_a_grey_image_beside_each_mask(model, pairs, tmp_path):
    images, options = find_images(pairs), InferenceOptions(tta="flip")
    predict_masks(model, images, tmp_path / "out", options, confidence=True, probabilities=True)
    predict_masks(model, images, tmp_path / "alone", options)
    for name in images:
        probabilities = np.load(tmp_path / "out" / f"{name}_probabilities.npy")
        with Image.open(tmp_path / "out" / f"{name}_confidence.png") as image:
            assert image.mode == "L"
            np.testing.assert_array_equal(np.asarray(image), (probabilities.max(0) * 255).round())
        mask = f"{name}_mask.png"
        assert (tmp_path / "out" / mask).read_bytes() == (tmp_path / "alone" / mask).read_bytes()


@pytest.fixture
def renamed(monkeypatch):
    """Names of the files that are renamed into their place, in the order of it."""
    names, replace = [], Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: names.append(Path(target).name) or replace(self, target))
    return names


def test_a_mask_is_there_before_its_confidence_so_that_one_without_it_is_drawn_again(model, pairs, tmp_path, renamed):
    predict_masks(model, {"0000": pairs / "0000_sat.png"}, tmp_path / "out", confidence=True)
    assert renamed == ["0000_mask.png", "0000_confidence.png"]
    renamed.clear()
    pixels = read_rgb(pairs / "0000_sat.png").transpose(2, 0, 1)
    write_geotiff(tmp_path / "a.tif", pixels)
    predict_map(model, tmp_path / "a.tif", tmp_path / "a_mask.tif", confidence=tmp_path / "a_confidence.tif")
    assert renamed[-2:] == ["a_mask.tif", "a_confidence.tif"]


def test_unreadable_images_are_named_and_only_skipped_if_asked(model, pairs, tmp_path):
    (pairs / "0000_sat.png").write_bytes(b"no image")
    (pairs / "0002_sat.png").write_bytes(b"")
    images = find_images(pairs)
    with pytest.raises(LandcoverError) as error:
        predict_masks(model, images, tmp_path / "out")
    assert [line.split(":")[0] for line in error.value.lines] == [str(images["0000"]), str(images["0002"])]
    assert not (tmp_path / "out").exists()
    assert predict_masks(model, images, tmp_path / "out", keep_going=True) == list(error.value.lines)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0001_mask.png"]


def test_a_mask_never_replaces_an_image(model, pairs, tmp_path):
    with pytest.raises(LandcoverError, match=r"_sat\.png: an input, which would be replaced"):
        predict_masks(model, find_images(pairs), pairs, ending="_sat.png")
    image = (pairs / "0000_sat.png").rename(pairs / "0000_confidence.png")
    with pytest.raises(LandcoverError, match=r"_confidence\.png: an input, which would be replaced"):
        predict_masks(model, {"0000": image}, pairs, confidence=True)


def test_files_are_read_ahead_on_a_gpu_and_in_turns_by_pytorch_on_a_cpu(model):
    engine = TorchEngine(model.network)
    assert file_mapper(torch.nn.Linear(1, 1), engine) == chunked_map
    assert file_mapper(torch.nn.Linear(1, 1, device="meta"), engine) == parallel_map
    assert file_mapper(model.network, find_engine(model.network, "onnxruntime")) == parallel_map
