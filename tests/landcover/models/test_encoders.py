import copy
import pickle

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor

from landcover.models.encoders import RECOMMENDED, TIMM_NAMES, Backbone, BaselineEncoder, backbones, check_backbone
from landcover.models.squeeze_excitation import LocalSqueezeExcitation
from landcover.system.errors import LandcoverError

ALL = (2, 4, 8, 16, 32)

# Strides, channels and parameters of the backbones that were torchvision's networks in versions up to 0.1.
TORCHVISION = {
    **dict.fromkeys(("vgg11", "vgg13", "vgg16", "vgg19"), (ALL, (64, 128, 256, 512, 512))),
    **dict.fromkeys(("vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"), (ALL, (64, 128, 256, 512, 512))),
    **dict.fromkeys(("resnet18", "resnet34"), (ALL, (64, 64, 128, 256, 512))),
    **dict.fromkeys(("resnet50", "resnet101"), (ALL, (64, 256, 512, 1024, 2048))),
    "mobilenet_v2": (ALL, (16, 24, 32, 96, 1280)),
    "mobilenet_v3_large": (ALL, (16, 24, 40, 112, 960)),
    "efficientnet_b0": (ALL, (16, 24, 40, 112, 1280)),
    "convnext_tiny": ((4, 8, 16, 32), (96, 192, 384, 768)),
}
PARAMETERS = {
    "vgg11": 9_220_480,
    "vgg11_bn": 9_225_984,
    "vgg13": 9_404_992,
    "vgg13_bn": 9_410_880,
    "vgg16": 14_714_688,
    "vgg16_bn": 14_723_136,
    "vgg19": 20_024_384,
    "vgg19_bn": 20_035_392,
    "resnet18": 11_176_512,
    "resnet34": 21_284_672,
    "resnet50": 23_508_032,
    "resnet101": 42_500_160,
    "mobilenet_v2": 2_223_872,
    "mobilenet_v3_large": 2_971_952,
    "efficientnet_b0": 4_007_548,
    "convnext_tiny": 27_818_592,
}
# A network of each kind, with the names of the layers in torchvision after which the features are taken.
LAYERS = {
    "vgg11_bn": [f"features.{i}" for i in (3, 7, 14, 21, 28)],
    "resnet18": ["relu", "layer1", "layer2", "layer3", "layer4"],
    "mobilenet_v2": [f"features.{i}" for i in (1, 3, 6, 13, 18)],
    "mobilenet_v3_large": [f"features.{i}" for i in (1, 3, 6, 12, 16)],
    "efficientnet_b0": [f"features.{i}" for i in (1, 2, 3, 5, 8)],
    "convnext_tiny": [f"features.{i}" for i in (1, 3, 5, 7)],
}
# A network for each of timm's kinds of squeeze-and-excitation.
EXCITING = [
    "mobilenet_v3_large",
    "efficientnet_b0",
    "ghostnet_100",
    "regnety_002",
    "ecaresnet26t",
    "ese_vovnet19b_dw",
    "hgnet_tiny",
    "legacy_seresnet18",
]


def sizes(features):
    return [tuple(feature.shape[1:]) for feature in features]


def expected_sizes(encoder, height, width):
    pairs = zip(encoder.channels, encoder.strides, strict=True)
    return [(channels, height // stride, width // stride) for channels, stride in pairs]


def randomise(module):
    """Give all weights and statistics values as after a training, reproducibly."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif tensor.ndim > 1 and tensor[0].numel() > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
        elif tensor.is_floating_point():
            tensor.normal_(0 if name.endswith(("bias", "mean")) else 1, 0.1, generator=generator)
    return module.eval()


def weights(module):
    return [tensor for name, tensor in module.state_dict().items() if not name.endswith("num_batches_tracked")]


@pytest.mark.parametrize("name", TORCHVISION)
def test_backbones_of_earlier_versions_keep_their_strides_channels_and_parameters(name):
    with torch.device("meta"):
        backbone = Backbone(name)
        assert sizes(backbone(torch.empty(2, 3, 64, 96))) == expected_sizes(backbone, 64, 96)
    assert (backbone.strides, backbone.channels) == TORCHVISION[name]
    assert sum(parameter.numel() for parameter in backbone.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("training", [False, True])
@torch.no_grad()
def test_with_torchvisions_weights_features_are_those_of_torchvision(name, training):
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None).eval()
        extractor = create_feature_extractor(network, LAYERS[name])
    if training and name == "efficientnet_b0":
        pytest.skip("torchvision's has stochastic depth")
    theirs = randomise(extractor.to_empty(device="cpu"))
    backbone = Backbone(name)
    # In order: names differ, and torchvision gives ConvNeXt's layer scale two more axes.
    for own, other in zip(weights(backbone), weights(theirs), strict=True):
        own.copy_(other.reshape(own.shape))
    for module in theirs.modules():
        if type(module).__name__ == "StochasticDepth":
            module.p = 0.0
    # In an image of 2x2 cells, squeeze-and-excitation of a neighbourhood is that of the whole image.
    image = torch.rand(2, 3, 64, 64)
    features = backbone.train(training)(image)
    for own, other in zip(features, theirs.train(training)(image).values(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4 * other.abs().max().item())


@pytest.mark.parametrize(("name", "bands"), [("vgg16_bn", 4), ("mobilenet_v2", 1), ("convnext_tiny", 13)])
def test_only_the_first_layer_depends_on_the_number_of_bands(name, bands):
    with torch.device("meta"):
        few, many = Backbone(name), Backbone(name, bands)
        assert sizes(many(torch.empty(1, bands, 32, 64))) == expected_sizes(few, 32, 64)
    differing = [key for key, tensor in many.state_dict().items() if tensor.shape != few.state_dict()[key].shape]
    assert differing == [next(iter(few.state_dict()))]


@pytest.mark.parametrize(
    ("name", "strides"),
    [("resnet50", (2, 4, 8)), ("mobilenet_v3_large", (2, 4, 8)), ("convnext_tiny", (4, 8)), ("regnety_002", (2, 4, 8))],
)
def test_dilated_a_backbone_keeps_a_finer_resolution_with_the_same_weights(name, strides):
    with torch.device("meta"):
        plain, dilated = Backbone(name), Backbone(name, output_stride=8)
        assert sizes(dilated(torch.empty(2, 3, 64, 96))) == expected_sizes(dilated, 64, 96)
    assert dilated.strides == strides
    assert dilated.channels[-1] == plain.channels[-1]
    shapes = [{key: tensor.shape for key, tensor in b.state_dict().items()} for b in (plain, dilated)]
    assert shapes[0] == shapes[1]


def test_the_last_convolution_may_be_left_out():
    with torch.device("meta"):
        backbone = Backbone("mobilenet_v2", final=False)
        assert sizes(backbone(torch.empty(1, 3, 32, 64))) == expected_sizes(backbone, 32, 64)
    assert backbone.channels == (16, 24, 32, 96, 320)
    assert sum(p.numel() for p in backbone.parameters()) == PARAMETERS["mobilenet_v2"] - 320 * 1280 - 2 * 1280


@pytest.mark.parametrize(("name", "strides"), [("vit_tiny_patch16_224", (16,)), ("efficientvit_m0", (16, 32))])
def test_backbones_without_fine_features_say_so(name, strides):
    with torch.device("meta"):
        assert Backbone(name).strides == strides


def test_batch_norm_settles_in_a_short_training():
    with torch.device("meta"):
        norms = [m for m in Backbone("mobilenet_v3_large").modules() if isinstance(m, nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.1}


def test_the_same_seed_gives_the_same_backbone_and_no_layer_is_skipped_at_random():
    networks = []
    for _ in range(2):
        torch.manual_seed(0)
        networks.append(Backbone("efficientnet_b0").train())
    networks += [copy.deepcopy(networks[0]), pickle.loads(pickle.dumps(networks[0]))]
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        results = [network(image)[-1] for network in networks]
    assert all(result.equal(results[0]) for result in results)


def test_the_encoder_of_the_baseline_tells_its_channels_and_strides():
    encoder = BaselineEncoder(4)
    assert sizes(encoder(torch.rand(1, 4, 32, 64))) == expected_sizes(encoder, 32, 64)


def test_names_are_torchvisions_or_timms_with_or_without_the_name_of_weights():
    for name in (*RECOMMENDED, *TIMM_NAMES.values(), "swin_tiny_patch4_window7_224", "resnet50.a1_in1k"):
        check_backbone(name)


def test_patterns_find_the_recommended_backbones_first():
    assert backbones("resnet*")[:4] == ["resnet18", "resnet34", "resnet50", "resnet101"]
    assert "resnet152" in backbones("resnet*")
    assert len(backbones()) == len(set(backbones()))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg", "no backbone 'vgg'; near are vgg11, vgg11_bn, vgg13, "),
        ("ResNet50", "no backbone 'ResNet50'; near are resnet50, "),
        ("vit_base", "no backbone 'vit_base'; near are vit_base_"),
        ("mobilenet_v4", "no backbone 'mobilenet_v4'; near are mobilenet_v"),
        ("hf-hub:timm/resnet50", "no backbone 'hf-hub:timm/resnet50'; near are "),
        ("local-dir:/somewhere", "no backbone 'local-dir:/somewhere'; recommended are vgg11, "),
        ("", "no backbone ''; recommended are vgg11, "),
        ("resnet50.a9", "no weights 'a9' of the backbone resnet50; there are a1_in1k, "),
        ("cait_xxs24_224", "`backbone` = cait_xxs24_224: has no features of images of every size. Choose another."),
        ("mobilevitv2_050", "`backbone` = mobilevitv2_050: its features lie on no regular grid. Choose another."),
        (
            "convmixer_768_32",
            "`backbone` = convmixer_768_32: has no features at strides 2, 4, 8, 16, 32. Choose another.",
        ),
    ],
)
def test_wrong_names_are_refused_in_one_line(name, message):
    with torch.device("meta"), pytest.raises(LandcoverError) as error:
        Backbone(name)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["vgg16", "vit_tiny_patch16_224"])
def test_a_backbone_that_cannot_be_dilated_is_refused(name):
    with torch.device("meta"), pytest.raises(LandcoverError, match=f"{name}: cannot be dilated to stride 8. Choose"):
        Backbone(name, output_stride=8)


@torch.no_grad()
def test_in_evaluation_weights_may_change_from_one_evaluation_to_the_next():
    backbone = Backbone("efficientvit_m0").eval()  # keeps what it computes of its weights in evaluation
    other = copy.deepcopy(backbone)
    randomise(other)
    image = torch.rand(1, 3, 64, 64)
    backbone(image)
    backbone.load_state_dict(other.state_dict())
    assert backbone.eval()(image)[-1].equal(other(image)[-1])


@pytest.mark.parametrize("name", EXCITING)
@torch.no_grad()
def test_the_features_of_a_place_do_not_depend_on_what_is_far_away(name):
    with torch.device("meta"):
        backbone = Backbone(name)
    randomise(backbone.to_empty(device="cpu"))
    assert any(isinstance(module, LocalSqueezeExcitation) for module in backbone.modules())
    image = torch.randn(1, 3, 64, 1024)
    other = image.clone()
    other[..., 896:] += 2
    own, changed = (backbone(pixels)[-1] for pixels in (image, other))
    assert not own.allclose(changed, rtol=1e-3)
    torch.testing.assert_close(own[..., :2], changed[..., :2], rtol=0, atol=1e-4 * own.abs().max().item())
