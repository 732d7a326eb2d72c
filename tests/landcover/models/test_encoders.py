import pytest
import torch
import torchvision
from torchvision.ops import SqueezeExcitation

from landcover.models.encoders import (
    BACKBONES,
    DILATABLE,
    Backbone,
    BaselineEncoder,
    LocalSqueezeExcitation,
    backbone_strides,
)
from landcover.system.errors import LandcoverError


def sizes(features):
    return [tuple(feature.shape[1:]) for feature in features]


def expected_sizes(encoder, height, width):
    pairs = zip(encoder.channels, encoder.strides, strict=True)
    return [(channels, height // stride, width // stride) for channels, stride in pairs]


@pytest.mark.parametrize("name", BACKBONES)
def test_features_have_the_channels_and_strides_that_the_backbone_tells(name):
    with torch.device("meta"):
        backbone = Backbone(name)
        assert sizes(backbone(torch.empty(2, 3, 64, 96))) == expected_sizes(backbone, 64, 96)
    assert backbone.strides[-4:] == (4, 8, 16, 32)


@pytest.mark.parametrize("name", DILATABLE)
def test_the_dilated_variant_keeps_a_finer_resolution_with_the_same_weights(name):
    with torch.device("meta"):
        plain, dilated = Backbone(name), Backbone(name, dilated=True)
        assert sizes(dilated(torch.empty(2, 3, 64, 96))) == expected_sizes(dilated, 64, 96)
    assert dilated.strides[:3] == plain.strides[:3]
    assert dilated.strides[-1] == (16 if name == "mobilenet_v3_large" else 8)
    shapes = [{key: tensor.shape for key, tensor in b.state_dict().items()} for b in (plain, dilated)]
    assert shapes[0] == shapes[1]


def test_the_strides_are_known_without_building():
    assert backbone_strides("resnet18") == (2, 4, 8, 16, 32)
    assert backbone_strides("convnext_tiny") == (4, 8, 16, 32)
    assert backbone_strides("resnet50", dilated=True) == (2, 4, 8, 8, 8)


@pytest.mark.parametrize("name", ["vgg11_bn", "vgg16", "vgg19"])
def test_the_stages_of_vgg_end_with_their_pooling_layers(name):
    with torch.device("meta"):
        backbone = Backbone(name)
    assert all(isinstance(stage[-1], torch.nn.MaxPool2d) for stage in backbone.stages)
    assert backbone.channels == (64, 128, 256, 512, 512)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_weight_knows_its_name_in_torchvision(name):
    with torch.device("meta"):
        backbone, network = Backbone(name), torchvision.models.get_model(name, weights=None)
    theirs = {key: tensor.shape for key, tensor in network.state_dict().items()}
    ours = {backbone.torchvision_keys[key]: tensor.shape for key, tensor in backbone.state_dict().items()}
    assert ours == {key: shape for key, shape in theirs.items() if not key.startswith(("classifier.", "fc."))}


def test_the_last_features_are_those_of_torchvision():
    torch.manual_seed(0)
    network = torchvision.models.resnet18(weights=None).eval()
    torch.manual_seed(0)
    backbone = Backbone("resnet18").eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(network.fc(backbone(image)[-1].mean((2, 3))), network(image))


def test_batch_norm_settles_in_a_short_training():
    with torch.device("meta"):
        norms = [m for m in Backbone("mobilenet_v3_large").modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.1}


def test_the_encoder_of_the_baseline_tells_its_channels_and_strides():
    encoder = BaselineEncoder()
    assert sizes(encoder(torch.rand(1, 3, 32, 64))) == expected_sizes(encoder, 32, 64)


def test_wrong_names_list_the_right_ones():
    with pytest.raises(LandcoverError, match=r"no backbone 'vgg'; there are vgg11, .*, convnext_tiny"):
        Backbone("vgg")
    with pytest.raises(LandcoverError, match="no dilated backbone 'vgg16'; there are resnet50, resnet101, mobilenet_v"):
        Backbone("vgg16", dilated=True)


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "efficientnet_b0"])
def test_excitation_is_by_the_neighbourhood_and_not_by_all_there_is(name):
    squeezes = [module for module in Backbone(name).eval().modules() if isinstance(module, LocalSqueezeExcitation)]
    assert squeezes
    squeeze = squeezes[-1]  # at stride 32: a step is a cell
    x = torch.rand(1, squeeze.fc1.in_channels, 4, 12)
    far, near = x.clone(), x.clone()
    far[..., 5:] += 5
    near[..., 4:] += 5
    with torch.inference_mode():
        before = squeeze(x)[..., :4]
        torch.testing.assert_close(squeeze(far)[..., :4], before)
        assert not torch.allclose(squeeze(near)[..., :4], before)


def test_in_small_images_excitation_is_that_of_torchvision():
    network = torchvision.models.mobilenet_v3_large().eval()
    theirs = next(module for module in network.modules() if isinstance(module, SqueezeExcitation))
    x = torch.rand(1, theirs.fc1.in_channels, 8, 8)  # at stride 8: 64 pixels of the image
    with torch.inference_mode():
        torch.testing.assert_close(LocalSqueezeExcitation(theirs, 4)(x), theirs(x))
