import numpy as np
import pytest
import torch

from landcover.images.image_files import read_rgb
from landcover.images.pairs import find_images
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


def test_files_are_read_ahead_on_a_gpu_and_in_turns_on_a_cpu():
    assert file_mapper(torch.nn.Linear(1, 1)) == chunked_map
    assert file_mapper(torch.nn.Linear(1, 1, device="meta")) == parallel_map
