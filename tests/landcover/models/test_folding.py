import pytest
import torch
from torch import nn

from landcover.models.folding import fold_batch_norm
from landcover.models.networks import Architecture, build

# Each kind of backbone that has batch norm, and each decoder; the others of a kind differ in width and depth.
BACKBONES = ("vgg11_bn", "resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0")
DECODERS = (
    ("fcn32s_deconv1", "mobilenet_v2"),
    ("fcn32s_deconv5", "mobilenet_v2"),
    ("fcn8s_deconv5", "resnet18"),
    ("deeplabv3", "mobilenet_v3_large"),
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
@torch.inference_mode()
def test_a_folded_network_is_the_same_function_without_batch_norm(model, backbone):
    network = trained(build(Architecture(model, backbone), 3))
    image = torch.rand(1, 3, 32, 64)
    expected = network(image)
    folded = fold_batch_norm(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(image), expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())
