"""Encoders of every family of timm: any bands, any size, gradients, a step, and ONNX."""

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import TABLE
from torch import nn
from torch.nn import functional

from landcover.export.onnx_export import export_onnx
from landcover.images.image_spec import ImageSpec
from landcover.models.folding import fold_batch_norm
from landcover.models.model_file import Model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError

FAMILIES = {
    "VGG": ("vgg11", "vgg13_bn"),
    "ResNet": ("resnet18", "resnet26d", "resnext26ts", "resnetv2_50d", "nf_resnet26", "res2net50_14w_8s"),
    "ResNet with attention": ("seresnext26d_32x4d", "ecaresnet26t", "skresnet18", "resnest14d", "gcresnext26ts"),
    "DenseNet": ("densenet121",),
    "DLA": ("dla34",),
    "HRNet": ("hrnet_w18_small",),
    "CSPNet": ("cspresnet50", "cs3darknet_s"),
    "VoVNet": ("ese_vovnet19b_dw",),
    "MobileNet": (
        *("mobilenetv1_100", "mobilenet_v2", "mobilenet_v3_large", "mobilenetv3_small_100"),
        *("mobilenetv4_conv_small", "mobilenetv4_hybrid_medium", "mnasnet_100", "lcnet_050"),
    ),
    "EfficientNet": ("efficientnet_b0", "tf_efficientnet_lite0", "efficientnetv2_rw_t", "tf_efficientnetv2_b0"),
    "GhostNet": ("ghostnet_100", "ghostnetv2_100"),
    "RegNet": ("regnetx_002", "regnety_002", "regnetz_b16"),
    "ReXNet": ("rexnet_100",),
    "RepVGG": ("repvgg_a0", "mobileone_s0", "repvit_m0_9", "repghostnet_050"),
    "HGNet": ("hgnet_tiny", "hgnetv2_b0"),
    "NFNet": ("eca_nfnet_l0",),
    "ConvNeXt": ("convnext_atto", "convnextv2_atto", "convnext_tiny"),
    "FastViT": ("fastvit_t8",),
    "EdgeNeXt": ("edgenext_xx_small",),
    "EfficientViT": ("efficientvit_b0", "efficientvit_m0"),
    "MobileViT": ("mobilevit_xxs",),
    "MetaFormer": ("poolformerv2_s12", "caformer_s18"),
    "PVT": ("pvt_v2_b0",),
    "Swin": ("swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256"),
    "ViT": ("vit_tiny_patch16_224", "deit_tiny_patch16_224"),
}
QUICK = ("mobilenetv4_conv_small", "regnety_002", "convnext_atto", "efficientvit_b0", "vit_tiny_patch16_224")
EXPORTED = (
    *("vgg11", "resnet18", "mobilenetv4_conv_small", "tf_efficientnet_lite0", "regnety_002", "convnext_atto"),
    *("hgnetv2_b0", "repvgg_a0", "ghostnet_100", "ecaresnet26t", "efficientvit_b0", "pvt_v2_b0"),
    *("swin_tiny_patch4_window7_224", "vit_tiny_patch16_224"),
)
SHIFTS = ".conv_attn.bias"  # adds to all logits of a softmax over positions: its gradient is 0, but for rounding
DYNAMIC = ("vgg11", "resnet18", "mobilenetv4_conv_small", "regnety_002", "convnext_atto", "hgnetv2_b0")


def mark(names, *quick):
    """Parameters, of which all but the quick ones are for the long run."""
    return [pytest.param(name, marks=() if name in quick else pytest.mark.long) for name in names]


ENCODERS = mark([name for names in FAMILIES.values() for name in names], *QUICK)


def images_of(bands):
    """Normalised as they are."""
    return ImageSpec(tuple(f"B{i}" for i in range(bands)), "float32", (0.0,) * bands, (1.0,) * bands)


def network_on(backbone, bands=3):
    """A network with the finest model of the paper that fits, of which no layer is zero as it is at the start."""
    torch.manual_seed(0)
    try:
        network = build(Architecture("fcn8s", backbone), len(TABLE), images_of(bands))
    except LandcoverError:  # it has no features at stride 8
        network = build(Architecture("fcn16s", backbone), len(TABLE), images_of(bands))
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, 0, 0.1)
    return network


def test_there_are_40_encoders_of_10_families():
    assert len(FAMILIES) >= 10
    assert len(ENCODERS) >= 40


@pytest.mark.parametrize("backbone", ENCODERS)
def test_any_bands_any_size_gradients_and_a_step(backbone):
    bands = (1, 4, 10, 13)[sum(map(ord, backbone)) % 4]
    network = network_on(backbone, bands).eval()
    with torch.inference_mode():
        for height, width in [(70, 101), (33, 47)]:
            logits = network(torch.rand(1, bands, height, width))
            assert logits.shape == (1, len(TABLE), height, width)
            assert logits.isfinite().all()
        colours = network_on(backbone).eval()(torch.rand(1, 3, 64, 64))
        assert colours.isfinite().all()

    # In evaluation, because batch norm in training cancels the biases before it.
    network.eval()
    images, labels = torch.rand(2, bands, 64, 96), torch.randint(len(TABLE), (2, 64, 96))
    functional.cross_entropy(network(images), labels).backward()
    gradients = {name: weights.grad for name, weights in network.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    assert [name for name, gradient in gradients.items() if not (gradient.any() or name.endswith(SHIFTS))] == []

    network.train()
    optimizer = torch.optim.SGD(network.parameters(), 1e-3)
    optimizer.zero_grad()
    losses = []
    for _ in range(2):
        losses.append(functional.cross_entropy(network(images), labels))
        losses[-1].backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    assert torch.stack(losses).isfinite().all()
    assert losses[0] != losses[1]


@pytest.mark.parametrize("backbone", ENCODERS)
@torch.no_grad()
def test_folded_the_network_is_the_same_function(backbone):
    network = network_on(backbone).eval()
    image = torch.rand(1, 3, 64, 96)
    expected = network(image)
    torch.testing.assert_close(
        fold_batch_norm(network)(image), expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item()
    )


@pytest.mark.parametrize(
    ("backbone", "dynamic"),
    [
        *(pytest.param(*one.values, False, marks=one.marks) for one in mark(EXPORTED)),
        *(pytest.param(*one.values, True, marks=one.marks) for one in mark(DYNAMIC)),
    ],
)
def test_exported_the_network_is_the_same_function(backbone, dynamic, tmp_path):
    network = network_on(backbone).eval()
    export_onnx(Model(network, TABLE, 1.0), tmp_path / "model.onnx", tile_size=64, dynamic=dynamic)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for count, height, width in [(3, 70, 101), (1, 33, 47)] if dynamic else [(1, 64, 64), (3, 64, 64)]:
        images = torch.rand(count, 3, height, width)
        (probabilities,) = session.run(None, {"image": images.numpy()})
        with torch.inference_mode():
            expected = network(images).softmax(1).numpy()
        np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-4)
