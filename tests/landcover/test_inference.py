import numpy as np
import pytest
import torch

from landcover.inference import TTA, label_image
from landcover.model_file import Model
from landcover.models import Architecture, build

FCN1S = Architecture("fcn1s", "resnet18")


@pytest.fixture
def model(classes):
    torch.manual_seed(0)
    network = build(FCN1S, len(classes)).eval()
    torch.nn.init.normal_(
        network.decoder.pixel_score[-1].weight
    )  # so that untrained skips have a say: many classes appear
    return Model(network, FCN1S, classes, 1.0)


def noise(height, width):
    return np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("tta", TTA)
@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("size", [(1, 1), (97, 131), (64, 64), (200, 3)])
def test_labels_have_the_size_of_the_picture_whatever_it_is(model, classes, size, scale, tta):
    labels = label_image(Model(model.network, FCN1S, classes, scale), noise(*size), tta)
    assert labels.shape == size
    assert labels.dtype == np.uint8
    assert labels.max() < len(classes)  # unknown is never predicted


def test_with_all_symmetries_a_turned_picture_gives_the_turned_labels(model):
    image = noise(96, 96)
    labels = label_image(model, image, "d4")
    assert len(np.unique(labels)) > 1
    for symmetry in (np.rot90, np.fliplr, np.flipud):
        assert (label_image(model, symmetry(image), "d4") == symmetry(labels)).mean() > 0.999


def test_with_the_flip_a_mirrored_picture_gives_the_mirrored_labels(model):
    image = noise(64, 96)
    assert (label_image(model, image[:, ::-1], "flip") == label_image(model, image, "flip")[:, ::-1]).mean() > 0.999


def test_the_class_is_chosen_after_upsampling(model, classes):
    half = Model(model.network, FCN1S, classes, 0.5)
    labels = label_image(half, noise(64, 64))
    blocks = labels.reshape(32, 2, 32, 2).swapaxes(1, 2).reshape(-1, 4)
    assert (blocks != blocks[:, :1]).any()  # labels enlarged after the choice would be constant in each 2x2 block
