import pytest
import torch
import torchvision

from landcover.models.encoders import Backbone
from landcover.models.old_names import with_todays_names

ENDS = {
    "vgg11_bn": (4, 8, 15, 22, 29),
    "mobilenet_v2": (2, 4, 7, 14, 19),
    "mobilenet_v3_large": (2, 4, 7, 13, 17),
    "efficientnet_b0": (2, 3, 4, 6, 9),
    "convnext_tiny": (2, 4, 6, 8),
}
"""Before which of torchvision's `features` the stages of earlier versions ended."""


def old_stages(name, network):
    if name.startswith("resnet"):
        stem = torch.nn.Sequential(network.conv1, network.bn1, network.relu)
        first = torch.nn.Sequential(network.maxpool, network.layer1)
        return torch.nn.ModuleList([stem, first, network.layer2, network.layer3, network.layer4])
    ends = ENDS[name]
    return torch.nn.ModuleList(network.features[a:b] for a, b in zip((0, *ends), ends, strict=False))


@pytest.mark.parametrize("name", ["resnet18", *ENDS])
def test_encoders_of_earlier_versions_give_the_same_features(name):
    torch.manual_seed(0)
    options = {"init_weights": False} if name.startswith("vgg") else {}  # quicker
    stages = old_stages(name, torchvision.models.get_model(name, weights=None, **options)).eval()
    old = {f"backbone.stages.{key}": tensor for key, tensor in stages.state_dict().items()}
    backbone = Backbone(name).eval()
    found = with_todays_names(old | {"decoder.weight": torch.ones(1)}, backbone)
    assert found.pop("decoder.weight").equal(torch.ones(1))
    backbone.load_state_dict({key.removeprefix("backbone."): tensor for key, tensor in found.items()})
    x = image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        for stage in stages:
            x = stage(x)
        torch.testing.assert_close(backbone(image)[-1], x)


def test_names_of_today_stay():
    backbone = Backbone("resnet18")
    weights = {f"backbone.{key}": tensor for key, tensor in backbone.state_dict().items()}
    found = with_todays_names(weights, backbone)
    assert found.keys() == weights.keys()
