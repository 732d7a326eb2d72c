"""Encoders: torchvision's classification networks, cut into stages whose features have ever coarser strides."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import SqueezeExcitation

from landcover.models.upsampling import upsample
from landcover.system.errors import LandcoverError

STRIDES = (2, 4, 8, 16, 32)
"""Strides of the features of the stages in pixels of the input; `backbone_strides` knows the exceptions."""

Cut = Callable[[Any], list[nn.Module]]
"""Cuts a torchvision network, whose attributes have no types, into stages."""


def _features(*ends: int) -> Cut:
    """Cut a network's `features` into stages that end before these indices."""
    return lambda network: [network.features[start:end] for start, end in zip((0, *ends), ends, strict=False)]


def _vgg(network: Any) -> list[nn.Module]:
    """Stages end with their pooling layers: stage 3 gives pool3, as in the paper."""
    pools = [i + 1 for i, layer in enumerate(network.features) if isinstance(layer, nn.MaxPool2d)]
    return _features(*pools)(network)


def _resnet(network: Any) -> list[nn.Module]:
    stem = nn.Sequential(network.conv1, network.bn1, network.relu)
    return [stem, nn.Sequential(network.maxpool, network.layer1), network.layer2, network.layer3, network.layer4]


BACKBONES: dict[str, Cut] = {
    "vgg11": _vgg,
    "vgg11_bn": _vgg,
    "vgg13": _vgg,
    "vgg13_bn": _vgg,
    "vgg16": _vgg,
    "vgg16_bn": _vgg,
    "vgg19": _vgg,
    "vgg19_bn": _vgg,
    "resnet18": _resnet,
    "resnet34": _resnet,
    "resnet50": _resnet,
    "resnet101": _resnet,
    "mobilenet_v2": _features(2, 4, 7, 14, 19),
    "mobilenet_v3_large": _features(2, 4, 7, 13, 17),
    "efficientnet_b0": _features(2, 3, 4, 6, 9),
    "convnext_tiny": _features(2, 4, 6, 8),
}
"""The torchvision networks that can be a backbone, each with how to cut it into stages."""

_STEM_OF_STRIDE_4 = {"convnext_tiny"}  # nothing at stride 2

_RESNET_DILATION = {"replace_stride_with_dilation": [False, True, True]}, (2, 4, 8, 8, 8)
_DILATED: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "resnet50": _RESNET_DILATION,
    "resnet101": _RESNET_DILATION,
    "mobilenet_v3_large": ({"dilated": True}, (2, 4, 8, 16, 16)),
}
"""torchvision's arguments for the dilated variant, and its strides."""

DILATABLE = tuple(_DILATED)
"""Backbones with a dilated variant."""

# No stochastic depth: its rates are meant for hundreds of epochs, and each process would skip different layers.
_OPTIONS: dict[str, dict[str, Any]] = {
    name: {"stochastic_depth_prob": 0.0} for name in ("efficientnet_b0", "convnext_tiny")
}

_SQUEEZE = 3  # cells of 32 pixels; 5 is no more accurate, and windows differ from the whole image twice as often

_BATCH_NORM_MOMENTUM = 0.1  # with MobileNetV3's own 0.01, statistics do not settle in a short training


def backbone_strides(name: str, dilated: bool = False) -> tuple[int, ...]:
    """Strides of the features of a backbone, one of `BACKBONES`, the finest first."""
    if dilated:
        return _DILATED[name][1]
    return STRIDES[1:] if name in _STEM_OF_STRIDE_4 else STRIDES


class Backbone(nn.Module):
    """The convolutional part of a torchvision network, randomly initialised, without stochastic depth.

    Args:
        name: One of `BACKBONES`.
        dilated: Build the variant for DeepLabV3, whose last stages have dilated kernels instead of strides.

    Attributes:
        name: As given.
        strides: Stride of the features of each stage in pixels of the input.
        channels: Number of channels of the features of each stage.
        torchvision_keys: The name in torchvision's network of each entry of the state dict.

    Raises:
        LandcoverError: There is no such backbone, or it has no dilated variant.
    """

    def __init__(self, name: str, dilated: bool = False) -> None:
        super().__init__()
        choices = DILATABLE if dilated else tuple(BACKBONES)
        if name not in choices:
            kind = "dilated backbone" if dilated else "backbone"
            raise LandcoverError(f"no {kind} {name!r}; there are {', '.join(choices)}")
        self.name, self.strides = name, backbone_strides(name, dilated)
        options = _DILATED[name][0] if dilated else _OPTIONS.get(name, {})
        network = torchvision.models.get_model(name, weights=None, **options)
        keys = {id(tensor): key for key, tensor in network.state_dict(keep_vars=True).items()}
        self.stages = nn.ModuleList(BACKBONES[name](network))
        for stage, stride in zip(self.stages, self.strides, strict=True):
            for parent in list(stage.modules()):
                for child, module in parent.named_children():
                    if isinstance(module, SqueezeExcitation):
                        setattr(parent, child, LocalSqueezeExcitation(module, STRIDES[-1] // stride))
        self.torchvision_keys = {key: keys[id(tensor)] for key, tensor in self.state_dict(keep_vars=True).items()}
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = _BATCH_NORM_MOMENTUM
        self.channels = self._count_channels()

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), H and W multiples of 32, to features (N, `channels[i]`, H / `strides[i]`, W / `strides[i]`)."""
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features

    @torch.no_grad()
    def _count_channels(self) -> tuple[int, ...]:
        training = self.training
        channels = tuple(feature.shape[1] for feature in self.eval()(torch.zeros(1, 3, 32, 32)))
        self.train(training)
        return channels


class LocalSqueezeExcitation(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018) by the mean of a neighbourhood instead of the whole input.

    With the global mean, the features of a pixel would depend on the size of the crop or window around it (Chu et al.
    2022, "Revisiting Global Information Aggregation"). Here means are taken over squares of `_SQUEEZE` x `_SQUEEZE`
    cells of 32 x 32 image pixels, and the excitation is interpolated between them. At the border of the input, squares
    are cut off.

    Args:
        squeeze: The module to replace; its layers are used under the same names.
        cell: Side of a cell in pixels of the features.
    """

    def __init__(self, squeeze: SqueezeExcitation, cell: int) -> None:
        super().__init__()
        self.fc1, self.activation, self.fc2 = squeeze.fc1, squeeze.activation, squeeze.fc2
        self.scale_activation, self.cell = squeeze.scale_activation, cell

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same, H and W multiples of `cell`."""
        cells = functional.avg_pool2d(x, self.cell)
        means = functional.avg_pool2d(cells, _SQUEEZE, 1, _SQUEEZE // 2, count_include_pad=False)
        excitation = self.scale_activation(self.fc2(self.activation(self.fc1(means))))
        return upsample(excitation, *x.shape[-2:]) * x


class BaselineEncoder(nn.Module):
    """The encoder of the model `baseline`: two stages of two 3x3 convolutions and a 4x4 max-pool.

    Attributes:
        strides, channels: As for `Backbone`.
    """

    strides = (4, 16)
    channels = (32, 128)

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([self._stage(3, 16, 32), self._stage(32, 64, 128)])

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), H and W multiples of 16, to features (N, 32, H / 4, W / 4) and (N, 128, H / 16, W / 16)."""
        fine = self.stages[0](x)
        return [fine, self.stages[1](fine)]

    @staticmethod
    def _stage(*widths: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(True)]
        return nn.Sequential(*layers, nn.MaxPool2d(4))
