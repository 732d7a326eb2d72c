import pytest
import torch

from landcover.backbones import BACKBONES, STRIDES, Backbone
from landcover.errors import LandcoverError
from landcover.models import FCN, MODELS, build


@pytest.fixture(scope="module", params=BACKBONES)
def backbone(request):
    torch.manual_seed(0)
    return Backbone(request.param).eval()


def test_the_five_stages_halve_the_resolution(backbone):
    features = backbone(torch.rand(1, 3, 64, 96))
    assert [feature.shape for feature in features] == [
        (1, channels, 64 // stride, 96 // stride) for channels, stride in zip(backbone.channels, STRIDES, strict=True)
    ]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs_on_every_backbone_at_any_size(model, backbone):
    network = FCN(backbone, 5, MODELS[model]).eval()
    with torch.inference_mode():
        for height, width in [(97, 131), (1, 1), (64, 33)]:
            logits = network(torch.rand(1, 3, height, width))
            assert logits.shape == (1, 5, height, width)
            assert logits.isfinite().all()


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_learns(model):
    network = build(model, "resnet18", 3)
    for parameter in network.parameters():  # skips start at zero, behind which no gradient flows yet
        torch.nn.init.normal_(parameter, std=0.1)
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    assert [name for name, parameter in network.named_parameters() if not parameter.grad.any()] == []


@pytest.mark.parametrize("model", ["fcn16s", "fcn8s", "fcn4s", "fcn2s", "fcn1s"])
def test_skips_start_silent(model):
    network = build(model, "resnet18", 3).eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(image)
        network.scores[0].bias.add_(1.0) if model != "fcn1s" else network.pixel_score[-1].bias.add_(1.0)
        coarse = network.scores[-1](network.backbone((image - network.mean) / network.std)[-1])
        assert not before.equal(network(image))
    assert before.amin() >= coarse.amin() - 1e-5  # only interpolated scores of stride 32: none beyond their range
    assert before.amax() <= coarse.amax() + 1e-5


def test_coarser_networks_leave_out_the_finer_scores():
    sizes = [sum(p.numel() for p in build(model, "resnet18", 6).parameters()) for model in MODELS]
    assert sizes == sorted(sizes)
    assert len(build("fcn32s", "resnet18", 6).scores) == 1
    assert len(build("fcn8s", "resnet18", 6).scores) == 3


def test_wrong_names_list_the_right_ones():
    with pytest.raises(LandcoverError, match=r"no model 'fcn9s'; there are fcn32s, fcn16s, fcn8s"):
        build("fcn9s", "resnet18", 3)
    with pytest.raises(LandcoverError, match=r"no backbone 'vgg'; there are vgg16, "):
        build("fcn8s", "vgg", 3)
