"""torchvision's classification networks as feature extractors: five stages, each of which halves the resolution."""

from collections.abc import Callable

import torch
import torchvision
from torch import Tensor, nn

from landcover.errors import LandcoverError

STRIDES = (2, 4, 8, 16, 32)
"""Pixels of the input per step of the features that the five stages give."""


def _features(*ends: int) -> Callable[[nn.Module], list[nn.Module]]:
    """Cut a network's `features` into five stages that end before these indices."""
    return lambda network: [network.features[start:end] for start, end in zip((0, *ends), ends, strict=False)]


def _resnet(network: nn.Module) -> list[nn.Module]:
    stem = nn.Sequential(network.conv1, network.bn1, network.relu)
    return [stem, nn.Sequential(network.maxpool, network.layer1), network.layer2, network.layer3, network.layer4]


# VGG's stages end with their pooling layers: stage 3 gives pool3, as in the paper.
BACKBONES: dict[str, Callable[[nn.Module], list[nn.Module]]] = {
    "vgg16": _features(5, 10, 17, 24, 31),
    "vgg16_bn": _features(7, 14, 24, 34, 44),
    "resnet18": _resnet,
    "resnet50": _resnet,
    "mobilenet_v2": _features(2, 4, 7, 14, 19),
    "mobilenet_v3_large": _features(2, 4, 7, 13, 17),
}
"""How to cut each of the torchvision networks that can be a backbone into its five stages."""

_BATCH_NORM_MOMENTUM = 0.1  # MobileNetV3's own 0.01 does not settle in a short training: evaluation sees one class


class Backbone(nn.Module):
    """The convolutional part of a torchvision network, randomly initialised.

    Args:
        name: One of `BACKBONES`.

    Attributes:
        channels: Number of channels of the features at each of `STRIDES`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        if name not in BACKBONES:
            raise LandcoverError(f"no backbone {name!r}; there are {', '.join(BACKBONES)}")
        self.stages = nn.ModuleList(BACKBONES[name](torchvision.models.get_model(name, weights=None)))
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = _BATCH_NORM_MOMENTUM
        self.channels = self._count_channels()

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), H and W multiples of 32, to features (N, `channels[i]`, H / `STRIDES[i]`, W / `STRIDES[i]`)."""
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features

    @torch.no_grad()
    def _count_channels(self) -> list[int]:
        training = self.training
        channels = [feature.shape[1] for feature in self.eval()(torch.zeros(1, 3, 32, 32))]
        self.train(training)
        return channels
