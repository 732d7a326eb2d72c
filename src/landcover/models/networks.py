"""The networks: an encoder that extracts features at several strides, and a decoder that turns them into logits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from landcover.models.decoders import (
    UPSAMPLING,
    BaselineDecoder,
    DeconvDecoder,
    DeepLabV3Decoder,
    FCNDecoder,
    SingleDeconvDecoder,
)
from landcover.models.encoders import BACKBONES, DILATABLE, STRIDES, Backbone, BaselineEncoder, backbone_strides
from landcover.system.errors import LandcoverError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

MAX_CONTEXT = 16384
"""Four times the paper's width of fc6 and fc7; with this they have some 700 million parameters."""


@dataclass(frozen=True)
class Architecture:
    """What determines an untrained network, apart from its number of classes.

    Attributes:
        model: One of `MODELS`.
        backbone: One of `backbones_of(model)`.
        upsampling: One of `UPSAMPLING`; "learned" only where `MODELS[model].is_fcn`.
        context: Channels of fc6 and fc7, 0 for neither; more than 0 only where `MODELS[model].is_fcn`.
    """

    model: str
    backbone: str | None
    upsampling: str = "bilinear"
    context: int = 0

    def __str__(self) -> str:
        return f"{self.model} on {self.backbone}" if self.backbone else self.model


@dataclass(frozen=True)
class ModelSpec:
    """How a model is built.

    Attributes:
        decoder: Makes the decoder, from the encoder and the number of classes.
        encoder: Makes the encoder, from the name of the backbone.
        backbones: The backbones that the model works with; only None if it has an encoder of its own.
        is_fcn: Whether it is one of the paper's family, whose decoder takes `upsampling` and `context`.
    """

    decoder: Callable[..., nn.Module]
    encoder: Callable[[Any], nn.Module] = Backbone
    backbones: tuple[str | None, ...] = tuple(BACKBONES)
    is_fcn: bool = False


def _fcn(finest: int) -> ModelSpec:
    # fcn1s scores the pixels themselves, for which no backbone needs a stage.
    backbones = tuple(name for name in BACKBONES if finest in (1, *backbone_strides(name)))
    return ModelSpec(partial(FCNDecoder, finest=finest), backbones=backbones, is_fcn=True)


MODELS: dict[str, ModelSpec] = {
    # Of the paper by Long, Shelhamer and Darrell (2015), continued to finer strides.
    "fcn32s": _fcn(32),
    "fcn16s": _fcn(16),
    "fcn8s": _fcn(8),
    "fcn4s": _fcn(4),
    "fcn2s": _fcn(2),
    "fcn1s": _fcn(1),
    # Of the program of 2019 that this project continues: its fcn32s_01, fcn32s_02, fcn8s and base_01.
    "fcn32s_deconv1": ModelSpec(SingleDeconvDecoder),
    "fcn32s_deconv5": ModelSpec(partial(DeconvDecoder, skips=False)),
    "fcn8s_deconv5": ModelSpec(partial(DeconvDecoder, skips=True)),
    "baseline": ModelSpec(BaselineDecoder, lambda backbone: BaselineEncoder(), backbones=(None,)),
    "deeplabv3": ModelSpec(DeepLabV3Decoder, partial(Backbone, dilated=True), DILATABLE),
}
"""The models by name. A new one needs an entry here, and a test that it learns."""


def backbones_of(model: str) -> tuple[str | None, ...]:
    """The backbones that a model works with; only None for a model that has an encoder of its own.

    Raises:
        LandcoverError: There is no such model.
    """
    if model not in MODELS:
        raise LandcoverError(f"no model {model!r}; there are {', '.join(MODELS)}")
    return MODELS[model].backbones


class Network(nn.Module):
    """An encoder and a decoder, for images of any size. Call `build` to make one.

    Attributes:
        backbone: The encoder.
        decoder: Computes logits from the image and the encoder's features.
        architecture: What `build` made it from.
        mean, std: float32 (1, 3, 1, 1), of red, green and blue in 0..1, by which the input is normalised.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, architecture: Architecture, backbone: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.architecture, self.backbone, self.decoder = architecture, backbone, decoder
        self.normalise_by(IMAGENET_MEAN, IMAGENET_STD)

    def normalise_by(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the mean and the standard deviation of red, green and blue in 0..1."""
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    @property
    def stride(self) -> int:
        """Stride in pixels of the finest features that the network uses; 1 if it uses the pixels themselves."""
        return cast(int, self.decoder.stride)

    def forward(self, image: Tensor) -> Tensor:
        """Logits float32 (N, C, H, W) of RGB images float32 (N, 3, H, W) in 0..1, of any height and width."""
        height, width = image.shape[-2:]
        image = (image - self.mean) / self.std
        # Every stride must divide the size, so that the features of all stages lie on the same grid.
        right, below = -width % STRIDES[-1], -height % STRIDES[-1]
        if torch.compiler.is_exporting() or right or below:  # an exported graph with free sizes always needs the step
            image = functional.pad(image, (0, right, 0, below), mode="replicate")
        logits: Tensor = self.decoder(image, self.backbone(image))
        return logits[..., :height, :width]


def build(
    architecture: Architecture,
    classes: int,
    *,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> Network:
    """Build an untrained network.

    Args:
        architecture: Its backbone is ignored by a model that has an encoder of its own; that of the network is None.
        classes: Number C of classes.
        mean, std: Of red, green and blue in 0..1, by which the input is normalised.

    Raises:
        LandcoverError: There is no such model, backbone or upsampling, or they do not fit together.
    """
    if backbones_of(architecture.model) == (None,):
        architecture = replace(architecture, backbone=None)
    _check(architecture)
    spec = MODELS[architecture.model]
    backbone = spec.encoder(architecture.backbone)
    options = {"upsampling": architecture.upsampling, "context": architecture.context} if spec.is_fcn else {}
    network = Network(architecture, backbone, spec.decoder(backbone, classes, **options))
    network.normalise_by(mean, std)
    return network


def to_input(images: Tensor | np.ndarray, device: torch.device) -> Tensor:
    """Images as a `Network` takes them: float32 (N, 3, H, W) in 0..1, on `device`.

    Args:
        images: RGB, uint8 (N, H, W, 3). Contiguous ones give a result that is channels last in memory.
    """
    return torch.as_tensor(images).to(device).permute(0, 3, 1, 2).float() / 255


def _check(architecture: Architecture) -> None:
    """Raise a LandcoverError unless the parts of an architecture fit together. Its model is one of `MODELS`."""
    model, backbone, context = architecture.model, architecture.backbone, architecture.context
    if backbone is not None and backbone not in BACKBONES:
        raise LandcoverError(f"no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    if backbone not in MODELS[model].backbones:
        if not MODELS[model].is_fcn or backbone is None:
            choices = ", ".join(str(name) for name in MODELS[model].backbones)
            raise LandcoverError(f"`backbone` = {backbone}: {model} does not work with it. Set it to one of {choices}.")
        strides = ", ".join(map(str, backbone_strides(backbone)))
        choices = ", ".join(name for name, other in MODELS.items() if other.is_fcn and backbone in other.backbones)
        raise LandcoverError(
            f"`model` = {model}: {backbone} has features at strides {strides} only. Set it to one of {choices}."
        )
    if architecture.upsampling not in UPSAMPLING:
        raise LandcoverError(f"no upsampling {architecture.upsampling!r}; there are {', '.join(UPSAMPLING)}")
    if type(context) is not int or not 0 <= context <= MAX_CONTEXT:
        raise LandcoverError(f"`context` = {context!r}: set it to a whole number from 0 to {MAX_CONTEXT}")
    if MODELS[model].is_fcn:
        return
    if architecture.upsampling != "bilinear":
        raise LandcoverError(f"`upsampling` = learned: {model} has its own upsampling. Set it to bilinear.")
    if context:
        raise LandcoverError(f"`context` = {context}: {model} has no fc6 and fc7. Set it to 0.")
