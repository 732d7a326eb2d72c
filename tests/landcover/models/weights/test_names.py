import pytest
import timm
import torch
import torchvision

from landcover.models.encoders import TIMM_NAMES, Backbone
from landcover.models.weights.names import full_network, torchvision_names, without_prefix

SHARED = [n for n in torchvision.models.list_models(module=torchvision.models) if n in TIMM_NAMES or timm.is_model(n)]
OTHERS = {"efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "inception_v3"}  # another epsilon, other layers


def meta(name):
    with torch.device("meta"):
        return Backbone(name)


def test_torchvisions_names_are_known_of_its_usual_networks():
    names = torchvision_names(meta("mobilenet_v3_large"))
    assert names["features.0.0.weight"] == "conv_stem.weight"
    assert names["features.4.block.2.fc1.weight"] == "blocks.2.0.se.conv_reduce.weight"
    assert names["features.0.1.num_batches_tracked"] == "bn1.num_batches_tracked"
    assert torchvision_names(meta("efficientnet_b5")) is None
    assert torchvision_names(meta("tf_efficientnet_lite0")) is None


def test_only_what_all_names_begin_with_is_a_prefix():
    tensor = torch.zeros(1)
    assert without_prefix({"module.encoder.a.b": tensor}, ["a.b"]).keys() == {"a.b"}
    assert without_prefix({"encoder.a": tensor, "decoder.b": tensor}, ["a"]).keys() == {"encoder.a", "decoder.b"}
    assert without_prefix({"model.a": tensor}, ["model.a"]).keys() == {"model.a"}
    assert without_prefix({"features.a": tensor}, ["a"]).keys() == {"features.a"}


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in SHARED if name not in OTHERS])
def test_networks_that_torchvision_and_timm_share_compute_the_same(name):
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None).eval()
    ours = timm.create_model(TIMM_NAMES.get(name, name)).eval()
    backbone = meta(name)
    epsilons = {module.eps for module in backbone.network.modules() if isinstance(module, torch.nn.BatchNorm2d)}
    for module in ours.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            (module.eps,) = epsilons
    names, own = torchvision_names(backbone), ours.state_dict()
    for key, tensor in theirs.state_dict().items():
        if tensor.ndim == 1:  # norms and biases of an untrained network would hide an error
            tensor.add_(0.1 * torch.rand_like(tensor))
        own[names[key]].copy_(tensor.reshape(own[names[key]].shape))
    image = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image), theirs(image))


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(OTHERS - {"inception_v3"}))
def test_networks_that_only_look_alike_are_not_taken_for_the_same(name):
    assert torchvision_names(meta(name)) is None


def test_the_full_network_has_all_names_of_the_backbone():
    for name in (
        "resnet18",
        "vit_tiny_patch16_224",
        "mobilenet_v3_large",
        "convnext_atto",
    ):
        backbone = meta(name)
        assert backbone.network.state_dict().keys() <= full_network(backbone).state_dict().keys()
