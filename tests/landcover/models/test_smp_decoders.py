from contextlib import contextmanager

import onnxruntime
import pytest
import segmentation_models_pytorch as smp
import torch
from conftest import BACKBONE
from torch import nn
from torch.nn import functional

from landcover.export.onnx_export import export_onnx
from landcover.images.image_spec import ImageSpec
from landcover.models.folding import fold_batch_norm
from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import MODELS, Architecture, build
from landcover.models.smp_decoders import SmpDecoder
from landcover.system.errors import LandcoverError
from landcover.training.recipe import Recipe
from landcover.training.trainer import Trainer

THEIRS = {
    "unet": smp.Unet,
    "unetplusplus": smp.UnetPlusPlus,
    "fpn": smp.FPN,
    "pspnet": smp.PSPNet,
    "deeplabv3": smp.DeepLabV3,
    "deeplabv3plus": smp.DeepLabV3Plus,
    "upernet": smp.UPerNet,
    "segformer": smp.Segformer,
}
DILATED = ("pspnet", "deeplabv3", "deeplabv3plus")


def small(model, classes=3, backbone=BACKBONE, **images):
    torch.manual_seed(0)
    return build(Architecture(model, backbone), classes, ImageSpec(**images))


def theirs(model, backbone, classes):
    """smp's model of the same name; its PSPNet with the paper's encoder, as ours has it."""
    options = {"encoder_depth": 5, "output_stride": 8} if model == "pspnet" else {}
    return THEIRS[model](f"tu-{backbone}", encoder_weights=None, classes=classes, **options)


class Features:
    """What a decoder must know of an encoder with few channels, and features that it could have."""

    bands = 3

    def __init__(self, model, finest=2):
        coarsest = max(MODELS[model].strides)
        self.strides = tuple(stride for stride in (2, 4, 8, 16, 32) if finest <= stride <= coarsest)
        self.channels = tuple(4 * (i + 1) for i in range(len(self.strides)))

    def random(self, height, width, count=1):
        shapes = zip(self.channels, self.strides, strict=True)
        return [torch.rand(count, channels, height // stride, width // stride) for channels, stride in shapes]


def test_the_table_has_all_of_them():
    assert {name for name, spec in MODELS.items() if getattr(spec.decoder, "func", None) is SmpDecoder} == set(THEIRS)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
@pytest.mark.parametrize("model", THEIRS)
def test_a_network_has_as_many_parameters_as_smps(model, backbone):
    with torch.device("meta"):
        counts = [
            sum(p.numel() for p in net.parameters()) for net in (small(model, 5, backbone), theirs(model, backbone, 5))
        ]
    assert counts[0] == counts[1]


@contextmanager
def centres_of_pixels_in_place():
    """Let smp upsample without moving the outermost pixels."""
    original = functional.interpolate

    def interpolate(x, size=None, scale_factor=None, mode="nearest", align_corners=None, **options):
        return original(x, size, scale_factor, mode, None if align_corners is None else False, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functional, "interpolate", interpolate)
        yield


@pytest.mark.parametrize("model", THEIRS)
@torch.inference_mode()
def test_with_the_same_weights_it_gives_the_same_as_smps_but_for_what_depends_on_the_size_of_the_image(model):
    ours, original = small(model).eval(), theirs(model, BACKBONE, 3).eval()
    for parent in list(original.decoder.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, nn.GroupNorm):
                setattr(parent, name, nn.BatchNorm2d(module.num_channels).eval())
    original.decoder.load_state_dict(ours.decoder.layers.state_dict())
    original.segmentation_head.load_state_dict(ours.decoder.head.state_dict())
    image = torch.rand(2, 3, 32, 32)  # so small that neighbourhoods are all of it
    features = ours.backbone(image)
    if model == "pspnet":  # at stride 8, smp still divides it
        features = [feature.mean((2, 3), keepdim=True).expand_as(feature) for feature in features]
    everything = [image, *features]
    with centres_of_pixels_in_place():
        expected = original.segmentation_head(original.decoder(everything))
    torch.testing.assert_close(ours.decoder(image, features), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", THEIRS)
@torch.inference_mode()
def test_pixels_far_from_the_border_of_a_window_get_the_logits_that_they_get_in_the_whole_image(model):
    torch.manual_seed(0)
    encoder = Features(model)
    decoder = SmpDecoder(encoder, 3, name=model).eval()
    whole = encoder.random(32, 2048)  # DeepLabV3+ looks 600 pixels far
    image = torch.zeros(1, 3, 32, 2048)
    window = [f[..., 256 // stride : 1792 // stride] for f, stride in zip(whole, encoder.strides, strict=True)]
    expected = decoder(image, whole)[..., 256 + 736 : 256 + 800]
    found = decoder(image[..., :1536], window)[..., 736:800]
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backbone", [BACKBONE, "test_convnext"])
@pytest.mark.parametrize("model", THEIRS)
def test_every_parameter_learns_at_odd_sizes_of_any_bands_and_many_classes(model, backbone):
    bands = tuple(f"b{i}" for i in range(13))
    network = small(model, 200, backbone, bands=bands, mean=(0.5,) * 13, std=(0.25,) * 13).eval()
    logits = network(torch.rand(2, 13, 33, 47))
    assert logits.shape == (2, 200, 33, 47)
    logits.square().mean().backward()
    idle = [
        name for name, weights in network.decoder.named_parameters() if weights.grad is None or not weights.grad.any()
    ]
    assert idle == []


@pytest.mark.parametrize(
    ("model", "backbone", "stride"),
    [
        *(("unet", "resnet18", 2), ("unetplusplus", "resnet18", 2), ("fpn", "resnet18", 4), ("pspnet", "resnet18", 8)),
        *(("deeplabv3", "resnet18", 8), ("deeplabv3plus", "resnet18", 4), ("upernet", "resnet18", 4)),
        *(("segformer", "resnet18", 2), ("segformer", "convnext_tiny", 4), ("unet", "convnext_tiny", 4)),
    ],
)
def test_a_network_knows_the_stride_of_its_finest_features(model, backbone, stride):
    with torch.device("meta"):
        assert small(model, backbone=backbone).stride == stride


@pytest.mark.parametrize("model", DILATED)
def test_an_encoder_that_cannot_be_dilated_is_refused(model):
    with pytest.raises(LandcoverError, match=r"^`backbone` = vgg11: cannot be dilated to stride (8|16)\. Choose anot"):
        small(model, backbone="vgg11")


def test_an_encoder_without_fine_features_is_refused():
    with pytest.raises(LandcoverError, match=r"^`model` = unet: vit_tiny_patch16_224 has features at strides 16 only"):
        small("unet", backbone="vit_tiny_patch16_224")


@pytest.mark.parametrize("model", THEIRS)
def test_it_learns(model):
    network = small(model)
    labels = torch.tensor([[0, 1], [2, 0]]).repeat_interleave(32, 0).repeat_interleave(32, 1)[None]
    image = torch.eye(3)[labels].permute(0, 3, 1, 2) * 0.5 + torch.rand(2, 3, 64, 64) * 0.5
    optimizer, losses = torch.optim.AdamW(network.parameters(), 3e-3), []
    for _ in range(15):
        optimizer.zero_grad()
        losses.append(functional.cross_entropy(network(image), labels.expand(2, -1, -1)))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]


def test_the_same_seed_trains_to_the_same_bits_in_spite_of_dropout(tiles, classes):
    recipe = Recipe(
        **{"model": "fpn", "backbone": BACKBONE, "epochs": 1, "steps": 3, "batch_size": 4, "crop": 32, "warmup": 0},
        **{"log_every": 0, "class_weights": [1, 1, 1]},
    )
    trainers = [Trainer(small("fpn"), tiles, classes, recipe, torch.device("cpu")) for _ in range(2)]
    rows = [list(trainer.run(tiles)) for trainer in trainers]
    one, other = (trainer.result().network.state_dict() for trainer in trainers)
    assert rows[0] == rows[1]
    assert all(tensor.equal(other[name]) for name, tensor in one.items())


def settled(model):
    """A network whose norms have seen images."""
    network = small(model, backbone=BACKBONE)
    with torch.no_grad():
        for _ in range(8):
            network(torch.rand(2, 3, 64, 64))
    return network.eval()


@pytest.mark.parametrize("model", THEIRS)
@torch.no_grad()
def test_batch_norm_is_folded(model):
    network = settled(model)
    image = torch.rand(1, 3, 96, 64)
    expected = network(image)
    folded = fold_batch_norm(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.decoder.modules())
    torch.testing.assert_close(folded(image), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("model", THEIRS)
def test_a_saved_model_reads_back(model, classes, tmp_path):
    network = small(model)
    save_model(Model(network, classes, 1.0), tmp_path / "m")
    loaded = load_model(tmp_path / "m").network.state_dict()
    assert all(loaded[name].equal(tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("model", "dynamic"),
    [
        ("pspnet", False),  # smp pools in another way while it is exported
        *(pytest.param(model, dynamic, marks=pytest.mark.long) for model in THEIRS for dynamic in (True, False)),
    ],
)
def test_onnxruntime_gives_the_same_probabilities(model, dynamic, classes, tmp_path):
    network = settled(model)
    export_onnx(Model(network, classes, 1.0), tmp_path / "m.onnx", tile_size=64, dynamic=dynamic)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for count, height, width in [(1, 64, 64), (3, 64, 64), *([(2, 33, 70), (1, 225, 96)] if dynamic else [])]:
        image = torch.rand(count, 3, height, width)
        (probabilities,) = session.run(None, {"image": image.numpy()})
        with torch.inference_mode():
            expected = network(image).softmax(1)
        torch.testing.assert_close(torch.from_numpy(probabilities), expected, rtol=0, atol=1e-4)
