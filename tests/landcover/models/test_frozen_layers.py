import pytest
import torch
from conftest import BACKBONE

from landcover.models.frozen_layers import freeze_layers
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError


def trained_by_a_step(model, backbone, stride):
    """Names of the parameters of an encoder without a gradient after a backward pass."""
    torch.manual_seed(0)
    network = build(Architecture(model, backbone), 3)
    freeze_layers(network, stride)
    network(torch.rand(2, 3, 64, 64)).square().sum().backward()
    return {name for name, parameter in network.backbone.network.named_parameters() if parameter.grad is None}


@pytest.mark.parametrize(
    ("backbone", "stride", "last", "next_"),
    [
        ("tf_efficientnet_lite0", 2, "blocks.1.0.bn1.weight", "blocks.1.0.conv_dw.weight"),
        ("tf_efficientnet_lite0", 4, "blocks.2.0.bn1.weight", "blocks.2.0.conv_dw.weight"),
        ("mobilenet_v3_large", 8, "blocks.3.0.bn1.weight", "blocks.3.0.conv_dw.weight"),  # with squeeze-and-excitation
        ("vgg11", 4, "features.8.weight", "features.11.weight"),
        ("resnet18", 4, "layer1.1.bn2.bias", "layer2.0.conv1.weight"),
        ("convnext_tiny", 4, "stages.1.downsample.0.weight", "stages.1.downsample.1.weight"),
    ],
)
def test_the_layers_before_a_coarser_stride_need_no_gradients(backbone, stride, last, next_):
    names = [name for name, _ in build(Architecture("fcn32s", backbone), 3).backbone.network.named_parameters()]
    frozen = trained_by_a_step("fcn32s", backbone, stride)
    assert {names[0], last} <= frozen
    assert next_ not in frozen


def test_at_the_coarsest_stride_the_whole_encoder_is_frozen():
    network = build(Architecture("fcn8s", BACKBONE), 3)
    freeze_layers(network, 32)
    assert not any(parameter.requires_grad for parameter in network.backbone.parameters())
    assert all(parameter.requires_grad for parameter in network.decoder.parameters())


def test_the_mode_stays():
    network = build(Architecture("fcn32s", BACKBONE), 3).train()
    freeze_layers(network, 4)
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize(
    ("model", "backbone", "message"),
    [
        ("baseline", None, "`freeze_stride` = 2: baseline has an encoder of its own. Set it to 0."),
        (
            "fcn32s",
            "convnext_tiny",
            "`freeze_stride` = 2: convnext_tiny has no layers of this stride. Set it to 0 or to one of 4, 8, 16, 32.",
        ),
    ],
)
def test_no_layers_to_freeze_is_an_error(model, backbone, message):
    with pytest.raises(LandcoverError) as error:
        freeze_layers(build(Architecture(model, backbone), 3), 2)
    assert str(error.value) == message
