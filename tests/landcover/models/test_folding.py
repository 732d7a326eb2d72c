import copy

import pytest
import torch
from torch import nn

from landcover.images.image_spec import RGB
from landcover.models.decoders import FCNDecoder
from landcover.models.folding import fold_batch_norm
from landcover.models.networks import Architecture, Network, build

# Backbones that order and use their layers in unlike ways, and each decoder of our own.
BACKBONES = ("vgg11_bn", "resnet18", "mobilenet_v2", "mobilenet_v3_large", "tf_efficientnet_lite0")
DECODERS = (
    ("fcn32s_deconv1", "mobilenet_v2"),
    ("fcn32s_deconv5", "mobilenet_v2"),
    ("fcn8s_deconv5", "resnet18"),
    ("deeplabv3", "mobilenet_v2"),
    ("baseline", None),
)


def trained(network):
    """A network whose norms and scores are not what they are at the start."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    for parameter in network.decoder.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, 0, 0.1)
    return network.eval()


@pytest.mark.parametrize(("model", "backbone"), [*(("fcn1s", backbone) for backbone in BACKBONES), *DECODERS])
@torch.no_grad()
def test_a_folded_network_is_the_same_function_without_batch_norm(model, backbone):
    network = trained(build(Architecture(model, backbone), 3))
    image = torch.rand(1, 3, 32, 64)
    expected = network(image)
    folded = fold_batch_norm(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(image), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize("backbone", ["resnetv2_50d", "densenet121", "repvgg_a0"])
@torch.no_grad()
def test_batch_norm_of_what_is_used_elsewhere_too_stays(backbone):
    network = trained(build(Architecture("fcn8s", backbone), 3))
    image = torch.rand(1, 3, 32, 64)
    expected = network(image)
    before, after = (
        sum(isinstance(module, nn.BatchNorm2d) for module in net.modules())
        for net in (copy.deepcopy(network), fold_batch_norm(network))
    )
    assert 0 < after < before
    torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


class Twisted(nn.Module):
    """An encoder whose layers are called in another order than listed, one of them twice."""

    strides = (1,)
    channels = (4,)
    bands = 3

    def __init__(self):
        super().__init__()
        self.first, self.late, self.norm = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.twice, self.other = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.shared, self.last = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.late(self.norm(self.first(x)))  # the norm follows the first convolution, not the late one
        x = self.other(self.twice(self.twice(x)))
        shared = self.shared(x)
        return [self.last(shared) + shared]


@torch.no_grad()
def test_what_follows_what_is_seen_in_the_computation():
    encoder = Twisted()
    decoder = FCNDecoder(encoder, 2, finest=1)
    network = trained(Network(Architecture("fcn1s", None), RGB, encoder, decoder))
    image = torch.rand(1, 3, 32, 64)
    expected = network(image)
    fold_batch_norm(network)
    kinds = [type(layer) for layer in (encoder.norm, encoder.other, encoder.last)]
    assert kinds == [nn.Identity, nn.BatchNorm2d, nn.BatchNorm2d]
    torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-5)
