"""The networks: an encoder that extracts features at several strides, and a decoder that turns them into logits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import groupby
from typing import Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from landcover.images.image_spec import RGB, ImageSpec
from landcover.models.decoders import (
    UPSAMPLING,
    BaselineDecoder,
    DeconvDecoder,
    Encoder,
    FCNDecoder,
    SingleDeconvDecoder,
)
from landcover.models.encoders import RECOMMENDED, STRIDES, Backbone, BaselineEncoder
from landcover.models.ensembles import EnsembleDecoder, EnsembleEncoder
from landcover.models.int8 import Int8
from landcover.models.smp_decoders import SmpDecoder
from landcover.system.errors import LandcoverError

MAX_CONTEXT = 16384
"""Four times the paper's width of fc6 and fc7; with this they have some 700 million parameters."""

ENSEMBLE = "ensemble"
"""The model of several networks whose class probabilities are averaged; they are trained one after the other."""

MOST_MEMBERS = 64


@dataclass(frozen=True)
class Architecture:
    """What determines an untrained network, apart from its number of classes.

    Attributes:
        model: One of `MODELS`, or `ENSEMBLE`.
        backbone: See `encoders.check_backbone`; None for a model that has an encoder of its own, and for an ensemble.
        upsampling: One of `UPSAMPLING`; "learned" only where `MODELS[model].is_fcn`.
        context: Channels of fc6 and fc7, 0 for neither; more than 0 only where `MODELS[model].is_fcn`.
        members: Of an ensemble, its networks, 2 to `MOST_MEMBERS`, none an ensemble itself; of others, none.
    """

    model: str
    backbone: str | None
    upsampling: str = "bilinear"
    context: int = 0
    members: tuple["Architecture", ...] = ()

    def __str__(self) -> str:
        if self.members:
            alike = ((name, len(list(group))) for name, group in groupby(map(str, self.members)))
            return " + ".join(name if count == 1 else f"{count} x {name}" for name, count in alike)
        return f"{self.model} on {self.backbone}" if self.backbone else self.model

    @classmethod
    def of_ensemble(cls, members: Sequence["Architecture"]) -> Self:
        """That of an ensemble of networks."""
        return cls(ENSEMBLE, None, members=tuple(members))

    def to_json(self) -> dict[str, Any]:
        """The fields as plain types; `members` only of an ensemble."""
        own = {"model": self.model, "backbone": self.backbone, "upsampling": self.upsampling, "context": self.context}
        return own | ({"members": [member.to_json() for member in self.members]} if self.members else {})

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned from a mapping, which may have more keys; `build` checks most of it.

        Raises:
            ValueError, LookupError, TypeError: It is not of the form that `to_json` writes.
        """
        model, *options = (content[field] for field in ("model", "backbone", "upsampling", "context"))
        if model != ENSEMBLE:
            return cls(model, *options)
        members = content["members"]
        if type(members) is not list or not 2 <= len(members) <= MOST_MEMBERS:
            raise ValueError(f"members: should be a list of 2 to {MOST_MEMBERS}")
        if any(member["model"] == ENSEMBLE for member in members):
            raise ValueError("members: one is an ensemble itself")
        return cls.of_ensemble([cls.from_json(member) for member in members])


@dataclass(frozen=True)
class ModelSpec:
    """How a model is built.

    Attributes:
        decoder: Makes the decoder, from the encoder and the number of classes.
        encoder: Makes the encoder, from the name of the backbone and the number of bands.
        strides: Strides at which the encoder must have features.
        has_backbone: Whether it works on any backbone with these features; otherwise, it has an encoder of its own.
        is_fcn: Whether it is one of the paper's family, whose decoder takes `upsampling` and `context`.
    """

    decoder: Callable[..., nn.Module]
    encoder: Callable[[str, int], nn.Module] = Backbone
    strides: tuple[int, ...] = (32,)
    has_backbone: bool = True
    is_fcn: bool = False


def _fcn(finest: int) -> ModelSpec:
    # fcn1s scores the pixels themselves, for which no backbone needs a stage.
    strides = (16,) if finest == 1 else (finest,)
    return ModelSpec(partial(FCNDecoder, finest=finest), strides=strides, is_fcn=True)


_PYRAMID = (4, 8, 16, 32)


@cache
def _smp_encoder(output_stride: int) -> Callable[[str, int], nn.Module]:
    # smp's encoders have no convolution after the last stage.
    return partial(Backbone, output_stride=output_stride, final=False)


def _smp(name: str, strides: tuple[int, ...], output_stride: int = STRIDES[-1]) -> ModelSpec:
    return ModelSpec(partial(SmpDecoder, name=name), _smp_encoder(output_stride), strides)


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
    "fcn8s_deconv5": ModelSpec(partial(DeconvDecoder, skips=True), strides=(8, 16, 32)),
    "baseline": ModelSpec(
        BaselineDecoder, lambda backbone, bands: BaselineEncoder(bands), strides=(4, 16), has_backbone=False
    ),
    # Of segmentation_models.pytorch. Those that dilate the encoder need a backbone that can be.
    "unet": _smp("unet", _PYRAMID),
    "unetplusplus": _smp("unetplusplus", _PYRAMID),
    "fpn": _smp("fpn", _PYRAMID),
    "pspnet": _smp("pspnet", (8,), output_stride=8),
    "deeplabv3": _smp("deeplabv3", (8,), output_stride=8),
    "deeplabv3plus": _smp("deeplabv3plus", (4, 16), output_stride=16),
    "upernet": _smp("upernet", _PYRAMID),
    "segformer": _smp("segformer", _PYRAMID),
}
"""The models by name. A new one needs an entry here, and a test that it learns."""


def model_spec(model: str) -> ModelSpec:
    """How a model is built.

    Raises:
        LandcoverError: There is no such model.
    """
    if model not in MODELS:
        raise LandcoverError(f"no model {model!r}; there are {', '.join(MODELS)}")
    return MODELS[model]


class Network(nn.Module):
    """An encoder and a decoder, for images of any size. Call `build` to make one.

    Attributes:
        backbone: The encoder.
        decoder: Computes logits from the image and the encoder's features.
        architecture: What `build` made it from.
        images: The images that it takes.
        mean, std: float32 (1, B, 1, 1), of each band, as `images` has them.
        int8: The same with integers of 8 bits, for engines that run it instead; None if there is no such graph.
    """

    mean: Tensor
    std: Tensor
    int8: Int8 | None = None

    def __init__(self, architecture: Architecture, images: ImageSpec, backbone: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.architecture, self.images, self.backbone, self.decoder = architecture, images, backbone, decoder
        self.normalise_as_told()

    def normalise_as_told(self) -> None:
        """Set `mean` and `std` to those of `images`; they are no part of the state dict."""
        for name, values in (("mean", self.images.mean), ("std", self.images.std)):
            self.register_buffer(name, torch.tensor(values).view(1, -1, 1, 1), persistent=False)

    @property
    def stride(self) -> int:
        """Stride in pixels of the finest features that the network uses; 1 if it uses the pixels themselves."""
        return cast(int, self.decoder.stride)

    def to_input(self, pixels: Tensor | np.ndarray) -> Tensor:
        """Images as `forward` takes them, on the device of the network; see the function `to_input`."""
        return to_input(pixels, next(self.parameters()).device, self.images.divisor)

    def forward(self, image: Tensor) -> Tensor:
        """Logits float32 (N, C, H, W) of images float32 (N, B, H, W), of any height and width.

        Pixels are divided by `images.divisor`: those of 8 bits lie in 0..1.
        """
        height, width = image.shape[-2:]
        image = (image - self.mean) / self.std
        # Every stride must divide the size, so that the features of all stages lie on the same grid.
        right, below = -width % STRIDES[-1], -height % STRIDES[-1]
        if torch.compiler.is_exporting() or right or below:  # an exported graph with free sizes always needs the step
            image = functional.pad(image, (0, right, 0, below), mode="replicate")
        logits: Tensor = self.decoder(image, self.backbone(image))
        return logits[..., :height, :width]


def build(architecture: Architecture, classes: int, images: ImageSpec = RGB) -> Network:
    """Build an untrained network.

    Args:
        architecture: Its backbone is ignored by a model that has an encoder of its own; that of the network is None.
        classes: Number C of classes.
        images: The images that it takes. All networks of an ensemble have their statistics.

    Raises:
        LandcoverError: There is no such model, backbone or upsampling, or they do not fit together.
    """
    if architecture.members:
        return ensemble([build(member, classes, images) for member in architecture.members])
    spec = model_spec(architecture.model)
    if not spec.has_backbone:
        architecture = replace(architecture, backbone=None)
    elif architecture.backbone is None:
        raise LandcoverError(f"`backbone` = None: {architecture.model} needs one, such as {RECOMMENDED[0]}.")
    _check_options(architecture, spec)
    backbone = spec.encoder(architecture.backbone or "", len(images.bands))
    check_strides(architecture, cast(Encoder, backbone))
    options = {"upsampling": architecture.upsampling, "context": architecture.context} if spec.is_fcn else {}
    return Network(architecture, images, backbone, spec.decoder(backbone, classes, **options))


def ensemble(networks: Sequence[Network]) -> Network:
    """One network, which averages the class probabilities of several.

    Args:
        networks: Of the same classes, bands and pixel type, none of them an ensemble. The new one has the statistics of
            the first and shares the weights of all.
    """
    images = networks[0].images
    return Network(
        Architecture.of_ensemble([network.architecture for network in networks]),
        images,
        EnsembleEncoder([network.backbone for network in networks], [network.images for network in networks], images),
        EnsembleDecoder([network.decoder for network in networks]),
    )


def to_input(images: Tensor | np.ndarray, device: torch.device, divisor: float) -> Tensor:
    """Images as a `Network` takes them: float32 (N, B, H, W), divided by `divisor`, on `device`.

    Args:
        images: (N, H, W, B) of any pixel type. Contiguous ones give a result that is channels last in memory.
    """
    return torch.as_tensor(images).to(device).permute(0, 3, 1, 2).float() / divisor


def check_strides(architecture: Architecture, encoder: Encoder) -> None:
    """Return if an encoder has the features that the model of an architecture needs.

    Raises:
        LandcoverError: It has not; the message lists the models of the paper's family that work.
    """
    spec = MODELS[architecture.model]
    if missing := [stride for stride in spec.strides if stride not in encoder.strides]:
        choices = [name for name, other in MODELS.items() if other.is_fcn and set(other.strides) <= {*encoder.strides}]
        raise LandcoverError(
            f"`model` = {architecture.model}: {architecture.backbone} has features at strides "
            f"{', '.join(map(str, encoder.strides))} only, not at {missing[0]}. Set it to one of {', '.join(choices)}."
        )


def _check_options(architecture: Architecture, spec: ModelSpec) -> None:
    """Raise a LandcoverError unless upsampling and context fit the model."""
    model, context = architecture.model, architecture.context
    if architecture.upsampling not in UPSAMPLING:
        raise LandcoverError(f"no upsampling {architecture.upsampling!r}; there are {', '.join(UPSAMPLING)}")
    if type(context) is not int or not 0 <= context <= MAX_CONTEXT:
        raise LandcoverError(f"`context` = {context!r}: set it to a whole number from 0 to {MAX_CONTEXT}")
    if spec.is_fcn:
        return
    if architecture.upsampling != "bilinear":
        raise LandcoverError(f"`upsampling` = learned: {model} has its own upsampling. Set it to bilinear.")
    if context:
        raise LandcoverError(f"`context` = {context}: {model} has no fc6 and fc7. Set it to 0.")
