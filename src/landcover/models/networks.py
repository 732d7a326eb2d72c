"""The networks: a backbone that gives features at several strides, and a decoder that makes logits of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

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
    """All that tells one untrained network from another but for the number of classes.

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
class Parts:
    """What a model is made of.

    Attributes:
        decoder: Called with the encoder and the number of classes.
        encoder: Called with the name of the backbone.
        backbones: On which the model works; only None if it has an encoder of its own.
        is_fcn: Whether it is of the paper's family, whose decoder takes `upsampling` and `context`.
    """

    decoder: Callable[..., nn.Module]
    encoder: Callable[[str], nn.Module] = Backbone
    backbones: tuple[str | None, ...] = tuple(BACKBONES)
    is_fcn: bool = False


def _fcn(finest: int) -> Parts:
    # fcn1s scores pixels, which need no features.
    backbones = tuple(name for name in BACKBONES if finest in (1, *backbone_strides(name)))
    return Parts(partial(FCNDecoder, finest=finest), backbones=backbones, is_fcn=True)


MODELS: dict[str, Parts] = {
    # Of the paper by Long, Shelhamer and Darrell (2015), continued to finer strides.
    "fcn32s": _fcn(32),
    "fcn16s": _fcn(16),
    "fcn8s": _fcn(8),
    "fcn4s": _fcn(4),
    "fcn2s": _fcn(2),
    "fcn1s": _fcn(1),
    # Of the program of 2019 that this project continues: its fcn32s_01, fcn32s_02, fcn8s and base_01.
    "fcn32s_deconv1": Parts(SingleDeconvDecoder),
    "fcn32s_deconv5": Parts(partial(DeconvDecoder, skips=False)),
    "fcn8s_deconv5": Parts(partial(DeconvDecoder, skips=True)),
    "baseline": Parts(BaselineDecoder, lambda backbone: BaselineEncoder(), backbones=(None,)),
    "deeplabv3": Parts(DeepLabV3Decoder, partial(Backbone, dilated=True), DILATABLE),
}
"""The models by name, and how each is built."""


def backbones_of(model: str) -> tuple[str | None, ...]:
    """The backbones on which a model works; only None for one that has an encoder of its own.

    Raises:
        LandcoverError: No such model.
    """
    if model not in MODELS:
        raise LandcoverError(f"no model {model!r}; there are {', '.join(MODELS)}")
    return MODELS[model].backbones


class Network(nn.Module):
    """A backbone and a decoder, for images of any size. `build` makes them.

    Attributes:
        backbone: The encoder, with all of its parameters.
        decoder: Makes logits of the image and the backbone's features.
        architecture: What `build` made it from.
        mean, std: float32 (1, 3, 1, 1), of red, green and blue in 0..1, by which the input is normalised.
    """

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
        return self.decoder.stride

    def forward(self, image: Tensor) -> Tensor:
        """Logits float32 (N, C, H, W) of RGB images float32 (N, 3, H, W) in 0..1, of any height and width."""
        height, width = image.shape[-2:]
        image = (image - self.mean) / self.std
        # Every stride must divide the size, so that each step of the features stands for the same pixels as below it.
        right, below = -width % STRIDES[-1], -height % STRIDES[-1]
        if torch.compiler.is_exporting() or right or below:  # a size that is left open may or may not be a multiple
            image = functional.pad(image, (0, right, 0, below), mode="replicate")
        logits = self.decoder(image, self.backbone(image))
        return logits[..., :height, :width]


def build(
    architecture: Architecture,
    classes: int,
    *,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> Network:
    """An untrained network.

    Args:
        architecture: Its backbone is ignored, and None in the network's, where the model has an encoder of its own.
        classes: Number C of classes.
        mean, std: Of red, green and blue in 0..1, by which the input is normalised.

    Raises:
        LandcoverError: No such model, backbone or upsampling, or they do not go together.
    """
    if backbones_of(architecture.model) == (None,):
        architecture = replace(architecture, backbone=None)
    _check(architecture)
    parts = MODELS[architecture.model]
    backbone = parts.encoder(architecture.backbone)
    options = {"upsampling": architecture.upsampling, "context": architecture.context} if parts.is_fcn else {}
    network = Network(architecture, backbone, parts.decoder(backbone, classes, **options))
    network.normalise_by(mean, std)
    return network


def _check(architecture: Architecture) -> None:
    """Raise a LandcoverError unless the parts of an architecture go together; its model is known to be one."""
    model, backbone, context = architecture.model, architecture.backbone, architecture.context
    if backbone is not None and backbone not in BACKBONES:
        raise LandcoverError(f"no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    if backbone not in MODELS[model].backbones:
        if not MODELS[model].is_fcn or backbone is None:
            raise LandcoverError(
                f"train.backbone = {backbone}: {model} does not work on it. Set it to one of "
                f"{', '.join(MODELS[model].backbones)}."
            )
        strides = ", ".join(map(str, backbone_strides(backbone)))
        choices = ", ".join(name for name, other in MODELS.items() if other.is_fcn and backbone in other.backbones)
        raise LandcoverError(
            f"train.model = {model}: {backbone} has features at strides {strides} only. Set it to one of {choices}."
        )
    if architecture.upsampling not in UPSAMPLING:
        raise LandcoverError(f"no upsampling {architecture.upsampling!r}; there are {', '.join(UPSAMPLING)}")
    if type(context) is not int or not 0 <= context <= MAX_CONTEXT:
        raise LandcoverError(f"train.context = {context!r}: set it to a whole number from 0 to {MAX_CONTEXT}")
    if MODELS[model].is_fcn:
        return
    if architecture.upsampling != "bilinear":
        raise LandcoverError(f"train.upsampling = learned: {model} upsamples in its own way. Set it to bilinear.")
    if context:
        raise LandcoverError(f"train.context = {context}: {model} has no fc6 and fc7. Set it to 0.")
