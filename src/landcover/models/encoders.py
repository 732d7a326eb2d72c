"""Encoders: timm's classification networks without their classifier, which give features at ever coarser strides."""

import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self

import timm
import torch
from timm.layers.drop import DropPath
from torch import Tensor, nn

from landcover.models.dilation import dilate
from landcover.models.squeeze_excitation import localise
from landcover.system.errors import LandcoverError, is_out_of_memory, reason

STRIDES = (2, 4, 8, 16, 32)
"""Strides in pixels of the input at which features may lie."""

TIMM_NAMES = {
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
}
"""timm's names of the backbones that go by another name here, which is torchvision's."""

RECOMMENDED = (
    *("vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"),
    *("resnet18", "resnet34", "resnet50", "resnet101"),
    *("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "convnext_tiny"),
    *("tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2"),
)
"""Backbones that were tried with every model that they fit; any other network of timm may be named as well."""

PROBE = (64, 160)  # pixels: height and width of the image from which strides are read; 160 tells 14 from 16
_NEAR = 6  # names that an error lists

_BATCH_NORM_MOMENTUM = 0.1  # with MobileNetV3's own 0.01, statistics do not settle in a short training
_TORCHVISION_EPSILON = {"mobilenet_v3_large": 1e-3}  # of batch norm, where torchvision's differs from timm's


def backbones(pattern: str = "*") -> list[str]:
    """Names of backbones that match a pattern such as `resnet*`: the recommended ones first, then timm's others."""
    others = (name for name in timm.list_models() if name not in RECOMMENDED)
    return [name for name in (*RECOMMENDED, *others) if fnmatch.fnmatchcase(name, pattern)]


def check_backbone(name: str) -> None:
    """Return if there is a backbone of this name; one of timm's may name its weights too, as `resnet50.a1_in1k` does.

    Raises:
        LandcoverError: There is none; the message lists names that are near.
    """
    if name in TIMM_NAMES:
        return
    network, _, weights = name.partition(".")
    # timm would take a name with a colon or slash for a place to download code and weights from.
    if set(name) & {":", "/"} or not timm.is_model(network):
        near = _near(name)
        choices = f"near are {', '.join(near)}" if near else f"recommended are {', '.join(RECOMMENDED)}"
        raise LandcoverError(f"no backbone {name!r}; {choices}. All are listed by: landcover models --all")
    known = [other.partition(".")[2] for other in timm.list_pretrained(f"{network}.*")]
    if network != name and weights not in known:
        choices = f"there are {', '.join(known)}" if known else "there are none"
        raise LandcoverError(f"no weights {weights!r} of the backbone {network}; {choices}")


def _near(name: str) -> list[str]:
    """A few names of backbones that begin as a name does, or are spelt like it."""
    name, known = name.lower(), backbones()
    longer = [other for other in known if name and other.startswith(name)]
    similar = difflib.get_close_matches(name, known, _NEAR, cutoff=0.5)
    return list(dict.fromkeys([*([name] if name in known else []), *longer, *similar]))[:_NEAR]


class Backbone(nn.Module):
    """A classification network of timm without its classifier, randomly initialised, without stochastic depth.

    Features are those that timm names, of the strides in `STRIDES`; of several with the same stride, the last. The
    coarsest are what the classifier would pool. VGG's are taken after the pooling layers, as in the paper by Long et
    al.: pool3 has 256 channels at stride 8.

    Args:
        name: See `check_backbone`.
        bands: Channels of the input.
        output_stride: Coarsest stride; below 32, the layers behind it are dilated instead.
        final: Whether the coarsest features are those of the network's last convolution, where it has one after the
            last stage: MobileNetV2 and EfficientNet widen their features to 1280 channels there.

    Attributes:
        name, bands: As given.
        network: timm's network.
        strides: Stride of the features of each stage in pixels of the input, the finest first.
        channels: Number of channels of the features of each stage.

    Raises:
        LandcoverError: There is no such backbone, it cannot be dilated so, or its features do not lie on grids of
            these strides for images of any size.
    """

    def __init__(self, name: str, bands: int = 3, *, output_stride: int = STRIDES[-1], final: bool = True) -> None:
        super().__init__()
        check_backbone(name)
        self.name, self.bands = name, bands
        self.network = _create(name, bands, output_stride)
        for module in self.network.modules():
            if isinstance(module, DropPath):  # its rates are meant for hundreds of epochs
                module.drop_prob = 0.0
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = _BATCH_NORM_MOMENTUM
                module.eps = _TORCHVISION_EPSILON.get(name, module.eps)
        _initialise(self.network)
        self._is_vgg = isinstance(self.network, timm.models.VGG)
        self._final = final and not self._is_vgg
        self._chosen: list[int] = []
        features, heights = self._probe()
        if features[-1].shape[2] < PROBE[0] // output_stride:  # timm has no option for it
            dilate(_strides(heights), output_stride)
            try:
                features, heights = self._probe()
            except LandcoverError as error:  # sizes that do not fit together any more
                raise _not_dilated(name, output_stride) from error
        self._choose(features, output_stride)
        heights = self._probe()[1]  # without what only other features need
        localise(self.network, _strides(heights))
        _prune(self.network, heights)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, B, H, W), H and W multiples of 32, to features (N, `channels[i]`, H / `strides[i]`, W / `strides[i]`)."""
        network: Any = self.network
        if self._is_vgg:
            features = []
            for layer in network.features:
                x = layer(x)
                if isinstance(layer, nn.MaxPool2d):
                    features.append(x)
            return features
        chosen = self._chosen or None  # None, all of them, until it is known which
        if not self._final:
            return list(network.forward_intermediates(x, chosen, norm=True, stop_early=True, intermediates_only=True))
        final, features = network.forward_intermediates(x, chosen, norm=True)
        return [*features[:-1], final]

    def train(self, mode: bool = True) -> Self:
        """Set the mode, and let go of what networks remember of their weights in evaluation."""
        super().train()  # some of timm's forget then only, yet weights may change in evaluation too
        return super().train(mode)

    @torch.no_grad()
    def _probe(self) -> tuple[list[Tensor], dict[nn.Module, int]]:
        """Features of an image, and the modules that compute them, each with the height of its input (see `_watching`).

        Sets `_final` to False if the network has no convolution after its last stage.
        """
        network: Any = self.network
        image = torch.zeros(1, self.bands, *PROBE, device=next(network.parameters()).device)
        training = self.training
        self.eval()
        try:
            if self._final:
                final, features = network.forward_intermediates(image, norm=True)
                # Elsewhere, what comes last is in another layout, or the same once more.
                self._final = final.ndim == 4 and final.shape[2:] == features[-1].shape[2:]
                self._final = self._final and final.shape[1] != features[-1].shape[1]
            heights: dict[nn.Module, int] = {}
            with _watching(network, heights):
                features = self(image)
            if not all(isinstance(feature, Tensor) and feature.ndim == 4 for feature in features):
                raise TypeError("features are no images")
        except Exception as error:  # a network that takes images of one size only may raise anything
            if is_out_of_memory(error):
                raise
            raise LandcoverError(
                f"`backbone` = {self.name}: has no features of images of every size. Choose another."
            ) from error
        finally:
            self.train(training)
        return features, heights

    def _choose(self, features: list[Tensor], output_stride: int) -> None:
        """Set `strides` and `channels`: of several features with the same stride, the last are chosen."""
        chosen = {}
        for i, feature in enumerate(features):
            stride = PROBE[0] // feature.shape[2]
            if stride not in STRIDES:
                continue
            if feature.shape[2:] != (PROBE[0] // stride, PROBE[1] // stride):
                raise LandcoverError(f"`backbone` = {self.name}: its features lie on no regular grid. Choose another.")
            chosen[stride] = i
        if not chosen:
            raise LandcoverError(
                f"`backbone` = {self.name}: has no features at strides {', '.join(map(str, STRIDES))}. Choose another."
            )
        if max(chosen) > output_stride:
            raise _not_dilated(self.name, output_stride)
        self.strides = tuple(sorted(chosen))
        self._chosen = [chosen[stride] for stride in self.strides]
        self.channels = tuple(features[i].shape[1] for i in self._chosen)


class BaselineEncoder(nn.Module):
    """The encoder of the model `baseline`: two stages of two 3x3 convolutions and a 4x4 max-pool.

    Args:
        bands: Channels B of the input.

    Attributes:
        bands: As given.
        strides, channels: As for `Backbone`.
    """

    strides = (4, 16)
    channels = (32, 128)

    def __init__(self, bands: int = 3) -> None:
        super().__init__()
        self.bands = bands
        self.stages = nn.ModuleList([self._stage(bands, 16, 32), self._stage(32, 64, 128)])

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, B, H, W), H and W multiples of 16, to features (N, 32, H / 4, W / 4) and (N, 128, H / 16, W / 16)."""
        fine = self.stages[0](x)
        return [fine, self.stages[1](fine)]

    @staticmethod
    def _stage(*widths: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(True)]
        return nn.Sequential(*layers, nn.MaxPool2d(4))


def _create(name: str, bands: int, output_stride: int) -> nn.Module:
    """Timm's network of a name, without a classifier, for images of any size if it has an option for that."""
    timm_name = TIMM_NAMES.get(name, name)
    options: list[dict[str, Any]] = [{}]
    if (timm.get_pretrained_cfg(timm_name) or timm.models.PretrainedCfg()).fixed_input_size:
        options = [{"dynamic_img_size": True}, {"strict_img_size": False}, {}]
    if timm_name.startswith("vgg"):
        # Shrinks what timm builds in any case and `_prune` removes: fc6 and fc7, 120 million weights.
        options = [{"mlp_ratio": 1 / 4096}]
    if output_stride != STRIDES[-1]:
        options = [option | dilated for dilated in ({"output_stride": output_stride}, {}) for option in options]
    problem: Exception
    for option in options:
        try:
            return timm.create_model(timm_name, in_chans=bands, num_classes=0, **option)
        except (TypeError, AssertionError, NotImplementedError, ValueError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            problem = error  # perhaps it has no such option
    raise LandcoverError(f"`backbone` = {name}: cannot be built ({reason(problem)}). Choose another.") from problem


def _initialise(network: nn.Module) -> None:
    """Draw the convolutions of a network with batch norm as torchvision does (He et al. 2015, by the outputs).

    timm draws those of MobileNet and EfficientNet by the outputs of each group, which makes depthwise ones some twenty
    times as large. With steps of a size that does not depend on the weights, as Adam's, they then learn so slowly that
    short trainings fail.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _not_dilated(name: str, output_stride: int) -> LandcoverError:
    return LandcoverError(f"`backbone` = {name}: cannot be dilated to stride {output_stride}. Choose another.")


def _strides(heights: Mapping[nn.Module, int]) -> dict[nn.Module, int]:
    """Stride of the input of each module that takes images."""
    return {module: PROBE[0] // height for module, height in heights.items() if height}


@contextmanager
def _watching(network: nn.Module, heights: dict[nn.Module, int]) -> Iterator[None]:
    """Collect the modules of a network that are called, each with the height of its input, 0 if that is no image."""

    def note(module: nn.Module, inputs: Any) -> None:
        image = inputs[0] if inputs else None
        heights[module] = image.shape[2] if isinstance(image, Tensor) and image.ndim == 4 else 0

    handles = [module.register_forward_pre_hook(note) for module in network.modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _prune(network: nn.Module, called: Iterable[nn.Module]) -> None:
    """Remove layers with weights that no feature needs, such as those between the last stage and the classifier.

    What belongs to a module that is called stays, as that may use the weights of its layers without calling them.
    """
    used = {part for module in called for part in module.modules()}
    for parent in list(network.modules()):
        for child, module in list(parent.named_children()):
            has_weights = any(True for _ in module.parameters())
            if has_weights and used.isdisjoint(module.modules()):
                setattr(parent, child, nn.Identity())
