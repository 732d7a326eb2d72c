from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import BACKBONE
from torch.nn import functional

from landcover.images.image_spec import RGB, ImageSpec
from landcover.models.decoders import LearnedUpsampling
from landcover.models.encoders import RECOMMENDED, Backbone, BaselineEncoder
from landcover.models.networks import MODELS, Architecture, Network, build, to_input
from landcover.system.errors import LandcoverError

FCNS = [model for model in MODELS if MODELS[model].is_fcn]
SKIPPING = FCNS[1:]
OURS = [model for model in MODELS if MODELS[model].encoder is Backbone]  # those of smp have a test of their own
QUICK = ("vgg11_bn", "resnet18", "mobilenet_v3_large", "convnext_tiny", "tf_efficientnet_lite0")  # one of each kind
BACKBONES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in RECOMMENDED]


def parameters(module):
    return sum(weights.numel() for weights in module.parameters())


@pytest.fixture(scope="module", params=BACKBONES)
def encoder(request):
    """With weights drawn here, which is quicker than timm's way."""
    torch.manual_seed(0)
    with torch.device("meta"):
        encoder = Backbone(request.param).eval()
    for tensor in encoder.to_empty(device="cpu").state_dict().values():
        torch.nn.init.kaiming_normal_(tensor) if tensor.ndim > 1 else tensor.fill_(1)
    return encoder


def test_every_model_runs_on_every_recommended_backbone_at_any_size(encoder):
    for model in OURS:
        spec = MODELS[model]
        if not set(spec.strides) <= set(encoder.strides):
            continue
        network = Network(Architecture(model, encoder.name), RGB, encoder, spec.decoder(encoder, 5)).eval()
        with torch.inference_mode():
            for height, width in [(97, 131), (1, 1)]:
                logits = network(torch.rand(1, 3, height, width))
                assert logits.shape == (1, 5, height, width), model
                assert logits.isfinite().all(), model


def test_every_parameter_of_every_recommended_backbone_learns(encoder):
    decoder = MODELS["fcn8s"].decoder(encoder, 5)
    network = Network(Architecture("fcn8s", encoder.name), RGB, encoder, decoder).eval()
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    idle = [key for key, weights in network.named_parameters() if weights.grad is None or not weights.grad.any()]
    assert idle == []


VARIANTS = [
    *(Architecture(model, BACKBONE) for model in OURS),
    *(Architecture(model, BACKBONE, upsampling="learned", context=32) for model in FCNS),
    Architecture("fcn1s", "test_convnext", upsampling="learned"),
    Architecture("baseline", None),
]


@pytest.mark.parametrize("architecture", VARIANTS, ids=str)
def test_images_may_have_any_size(architecture):
    torch.manual_seed(0)
    network = build(architecture, 5).eval()
    with torch.inference_mode():
        for height, width in [(225, 225), (97, 131), (64, 32)]:
            logits = network(torch.rand(1, 3, height, width))
            assert logits.shape == (1, 5, height, width)
            assert logits.isfinite().all()


@pytest.mark.parametrize("architecture", VARIANTS, ids=str)
def test_every_parameter_learns(architecture):
    torch.manual_seed(0)
    # In evaluation, because batch norm in training cancels the biases before it.
    network = build(architecture, 3).eval()
    for name, weights in network.decoder.named_parameters():  # skips start at zero: no gradient passes them yet
        if name.startswith(("scores.", "pixel_score.")):
            torch.nn.init.normal_(weights, std=0.1)
    for module in network.modules():  # so does the last batch norm of each of ResNet's blocks
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    idle = [name for name, weights in network.named_parameters() if weights.grad is None or not weights.grad.any()]
    assert idle == []


@pytest.mark.parametrize(
    ("model", "count"),
    [
        ("fcn32s_deconv1", 48_278_280),
        ("fcn32s_deconv5", 18_652_392),
        ("fcn8s_deconv5", 18_652_392),
        ("baseline", 155_976),
    ],
)
def test_the_networks_of_2019_have_as_many_parameters_as_they_had(model, count):
    with torch.device("meta"):
        assert parameters(build(Architecture(model, "vgg16_bn"), 8)) == count


@pytest.mark.parametrize("classes", [2, 7])
def test_the_papers_networks_have_one_1x1_score_for_each_of_their_features(classes):
    with torch.device("meta"):
        networks = [build(Architecture(model, "vgg16"), classes) for model in ("fcn32s", "fcn16s", "fcn8s")]
        scores = [parameters(network.decoder) for network in networks]
    assert scores == [classes * 513, classes * 2 * 513, classes * (2 * 513 + 257)]


def test_fc6_and_fc7_are_those_of_vgg():
    with torch.device("meta"):
        plain, deep = (build(Architecture("fcn32s", "vgg16", context=context), 21) for context in (0, 4096))
    fully_connected = 4096 * (512 * 49 + 1) + 4096 * (4096 + 1)
    assert parameters(deep) - parameters(plain) == fully_connected + 21 * (4096 - 512)


def test_dropout_after_fc6_and_fc7_acts_in_training_only():
    network = build(Architecture("fcn32s", BACKBONE, context=16), 3)
    features = [torch.rand(1, channels, 4, 4) for channels in network.backbone.channels]
    assert not network.decoder(None, features).equal(network.decoder(None, features))
    network.eval()
    assert network.decoder(None, features).equal(network.decoder(None, features))


@pytest.mark.parametrize("model", MODELS)
def test_the_encoders_parameters_are_the_backbones(model):
    with torch.device("meta"):
        network = build(Architecture(model, BACKBONE), 4)
    assert {name.split(".")[0] for name, _ in network.named_parameters()} == {"backbone", "decoder"}
    assert set(network.state_dict()) >= {f"backbone.{key}" for key in network.backbone.state_dict()}


@pytest.mark.parametrize(
    ("model", "backbone", "stride"),
    [
        *((model, BACKBONE, int(model.strip("fcns"))) for model in FCNS),
        ("fcn1s", "test_convnext", 1),
        ("fcn32s_deconv1", "vgg11", 32),
        ("fcn32s_deconv5", "vgg11", 32),
        ("fcn8s_deconv5", "vgg11", 8),
        ("baseline", None, 16),
        ("fcn16s", "vit_tiny_patch16_224", 16),
    ],
)
def test_a_network_knows_the_stride_of_its_finest_features(model, backbone, stride):
    with torch.device("meta"):
        assert build(Architecture(model, backbone), 3).stride == stride


@pytest.mark.parametrize("factor", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("size", [(1, 1), (1, 3), (5, 4)])
def test_learned_upsampling_starts_as_bilinear_interpolation_borders_included(factor, size):
    torch.manual_seed(0)
    scores = torch.randn(2, 3, *size)
    expected = functional.interpolate(scores, scale_factor=factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(LearnedUpsampling(3, factor)(scores), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("model", "backbone"), [*((model, BACKBONE) for model in FCNS), ("fcn1s", "convnext_tiny")])
def test_a_network_that_learns_to_upsample_starts_as_the_one_that_interpolates(model, backbone):
    torch.manual_seed(0)
    interpolating, learning = (build(Architecture(model, backbone, kind), 3).eval() for kind in ("bilinear", "learned"))
    for weights in interpolating.decoder.parameters():  # so that the skips have a say
        torch.nn.init.normal_(weights, std=0.1)
    report = learning.load_state_dict(interpolating.state_dict(), strict=False)
    assert report.unexpected_keys == []
    assert all("upsamplings" in key for key in report.missing_keys)
    image = torch.rand(1, 3, 70, 50)
    with torch.inference_mode():
        torch.testing.assert_close(learning(image), interpolating(image), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("upsampling", ["bilinear", "learned"])
@pytest.mark.parametrize("model", SKIPPING)
def test_skips_start_silent(model, upsampling):
    torch.manual_seed(0)
    network = build(Architecture(model, BACKBONE, upsampling), 3).eval()
    decoder = network.decoder
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(image)
        (decoder.scores[0] if model != "fcn1s" else decoder.pixel_score[-1]).bias.add_(1.0)
        coarse = decoder.scores[-1](network.backbone((image - network.mean) / network.std)[-1])
        assert not before.equal(network(image))
    assert before.amin() >= coarse.amin() - 1e-5  # only interpolated scores of stride 32: none beyond their range
    assert before.amax() <= coarse.amax() + 1e-5


def test_the_skips_of_2019_add_the_features_themselves_on_vgg_and_project_them_on_others():
    with torch.device("meta"):
        plain, projected = (build(Architecture("fcn8s_deconv5", name), 3) for name in ("vgg16_bn", "resnet18"))
    assert parameters(plain.decoder.projections) == 0
    assert parameters(projected.decoder.projections) == 256 * 512 + 512 + 128 * 256 + 256


def test_the_input_is_normalised_as_told():
    torch.manual_seed(0)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    network = build(Architecture("fcn32s", BACKBONE), 3, replace(RGB, mean=mean, std=std)).eval()
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before = network(image)
        network.images = replace(RGB, mean=(0.0,) * 3, std=(1.0,) * 3)
        network.normalise_as_told()
        normalised = (image - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
        torch.testing.assert_close(network(normalised), before)


@pytest.mark.parametrize("model", ["fcn1s", "fcn8s_deconv5", "baseline"])
@pytest.mark.parametrize("bands", [1, 4, 13])
def test_images_may_have_any_number_of_bands(model, bands):
    images = ImageSpec(tuple(f"B{i}" for i in range(bands)), "uint16", (1000.0,) * bands, (300.0,) * bands)
    network = build(Architecture(model, BACKBONE), 3, images).eval()
    pixels = np.random.default_rng(0).integers(3000, size=(2, 33, 47, bands), dtype=np.uint16)
    with torch.inference_mode():
        logits = network(network.to_input(pixels))
    assert logits.shape == (2, 3, 33, 47)
    assert logits.isfinite().all()


def test_the_same_seed_gives_the_same_network_and_trains_to_the_same_bits():
    torch.use_deterministic_algorithms(True)
    try:
        gradients = []
        for _ in range(2):
            torch.manual_seed(0)
            network = build(Architecture("fcn1s", BACKBONE, "learned", context=8), 3)
            network(torch.rand(2, 3, 40, 40)).square().mean().backward()
            gradients.append([weights.grad for weights in network.parameters()])
        assert all(a.equal(b) for a, b in zip(*gradients, strict=True))
    finally:
        torch.use_deterministic_algorithms(False)


def test_the_baseline_ignores_the_backbone():
    network = build(Architecture("baseline", "vgg16"), 3)
    assert network.architecture == Architecture("baseline", None)
    assert isinstance(network.backbone, BaselineEncoder)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Architecture("fcn9s", BACKBONE), r"no model 'fcn9s'; there are fcn32s, .*baseline, "),
        (Architecture("fcn8s", "vgg"), r"no backbone 'vgg'; near are vgg11, "),
        (Architecture("fcn8s", None), r"`backbone` = None: fcn8s needs one, such as "),
        (Architecture("deeplabv3", "vgg16"), r"`backbone` = vgg16: cannot be dilated to stride 8. Choose another.$"),
        (
            Architecture("fcn2s", "convnext_tiny"),
            r"`model` = fcn2s: convnext_tiny has features at strides 4, 8, 16, 32 only, not at 2. "
            r"Set it to one of fcn32s, fcn16s, fcn8s, fcn4s, fcn1s.$",
        ),
        (
            Architecture("fcn8s_deconv5", "vit_tiny_patch16_224"),
            r"`model` = fcn8s_deconv5: vit_tiny_patch16_224 has features at strides 16 only, not at 8. "
            r"Set it to one of fcn16s, fcn1s.$",
        ),
        (Architecture("fcn8s", BACKBONE, "cubic"), r"no upsampling 'cubic'; there are bilinear, learned$"),
        (
            Architecture("deeplabv3", "resnet50", "learned"),
            r"`upsampling` = learned: deeplabv3 has its own upsampling. Set it to bilinear.$",
        ),
        (
            Architecture("baseline", None, context=1024),
            r"`context` = 1024: baseline has no fc6 and fc7. Set it to 0.$",
        ),
        (Architecture("fcn8s", BACKBONE, context=-1), r"`context` = -1: set it to a whole number from 0 to"),
        (Architecture("fcn8s", BACKBONE, context=10**9), r"`context` = 1000000000: set it to a whole number"),
        (Architecture("fcn8s", BACKBONE, context=True), r"`context` = True: set it to a whole number"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused_in_one_line(architecture, message):
    with torch.device("meta"), pytest.raises(LandcoverError, match=message) as error:
        build(architecture, 3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("convert", [torch.from_numpy, lambda array: array], ids=["tensor", "array"])
def test_bytes_become_channels_last_floats_from_0_to_1(convert):
    images = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    images[0, 0, 0, 0] = 255
    inputs = to_input(convert(images), torch.device("cpu"), RGB.divisor)
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert inputs[0, 0, 0, 0] == 1
    torch.testing.assert_close(inputs, torch.from_numpy(images.transpose(0, 3, 1, 2) / np.float32(255)), rtol=0, atol=0)


def test_pixels_of_other_types_are_not_divided():
    images = np.array([[[[7, 3000]]]], dtype=np.uint16)
    assert to_input(images, torch.device("cpu"), 1.0).flatten().tolist() == [7.0, 3000.0]
