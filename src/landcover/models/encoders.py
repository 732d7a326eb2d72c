"""Encoders: timm's classification networks without their classifier, which give features at ever coarser strides."""

import difflib
import fnmatch
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import timm
import torch
from timm.layers import DropPath, EffectiveSEModule, SEModule
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional

from landcover.models.upsampling import upsample
from landcover.system.errors import LandcoverError, reason

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

_PROBE = 64  # pixels: side of the image from which the sizes of the features are read

_SQUEEZE = 3  # cells of 32 pixels; 5 is no more accurate, and windows differ from the whole image twice as often

_BATCH_NORM_MOMENTUM = 0.1  # with MobileNetV3's own 0.01, statistics do not settle in a short training
_TORCHVISION_EPSILON = {"mobilenet_v3_large": 1e-3}  # of batch norm, where torchvision's differs from timm's

_EXCITATIONS: dict[type[nn.Module], tuple[str, ...]] = {
    SqueezeExcite: ("conv_reduce", "act1", "conv_expand", "gate"),
    SEModule: ("fc1", "bn", "act", "fc2", "gate"),
    EffectiveSEModule: ("fc", "gate"),
}
"""timm's modules of squeeze-and-excitation, each with its layers in the order in which they are called."""


def backbones(pattern: str = "*") -> list[str]:
    """Names of backbones that match a pattern such as `resnet*`: the recommended ones first, then timm's others."""
    others = (name for name in timm.list_models() if name not in RECOMMENDED)
    return [name for name in (*RECOMMENDED, *others) if fnmatch.fnmatchcase(name, pattern)]


def check_backbone(name: str) -> None:
    """Return if there is a backbone of this name; one of timm's may name its weights too, as `resnet50.a1_in1k` does.

    Raises:
        LandcoverError: There is none; the message lists names that are near.
    """
    # timm would take a name with a colon or slash for a place to download code and weights from.
    if name in TIMM_NAMES or (not set(name) & {":", "/"} and timm.is_model(name)):
        return
    near = difflib.get_close_matches(name, backbones(), n=6, cutoff=0.5)
    choices = f"near are {', '.join(near)}" if near else f"recommended are {', '.join(RECOMMENDED)}"
    raise LandcoverError(f"no backbone {name!r}; {choices}. All are listed by: landcover models --all")


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
        self._is_vgg = isinstance(self.network, timm.models.VGG)
        self._final = final and not self._is_vgg
        self._chosen: tuple[int, ...] = ()
        for module in self.network.modules():
            if isinstance(module, DropPath):  # its rates are meant for hundreds of epochs
                module.drop_prob = 0.0
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = _BATCH_NORM_MOMENTUM
                module.eps = _TORCHVISION_EPSILON.get(name, module.eps)
        self.strides, self.channels = self._probe(output_stride)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, B, H, W), H and W multiples of 32, to features (N, `channels[i]`, H / `strides[i]`, W / `strides[i]`)."""
        features = self._features(x)
        return [features[i] for i in self._chosen]

    def _features(self, x: Tensor) -> list[Tensor]:
        network: Any = self.network
        if self._is_vgg:
            features = []
            for layer in network.features:
                x = layer(x)
                if isinstance(layer, nn.MaxPool2d):
                    features.append(x)
            return features
        if not self._final:
            return list(network.forward_intermediates(x, norm=True, intermediates_only=True))
        final, features = network.forward_intermediates(x, norm=True)
        return [*features[:-1], final]

    @torch.no_grad()
    def _probe(self, output_stride: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Find strides and channels of the features; localise squeeze-and-excitation; remove what is never called."""
        image = torch.zeros(1, self.bands, _PROBE, _PROBE, device=next(self.network.parameters()).device)
        training = self.training
        self.eval()
        try:
            if self._final:
                final, features = self.network.forward_intermediates(image, norm=True)
                # Elsewhere, what comes last is in another layout, or the same once more.
                self._final = final.ndim == 4 and final.shape[2:] == features[-1].shape[2:] != final.shape[1:3]
                self._final = self._final and final.shape[1] != features[-1].shape[1]
            sizes: dict[nn.Module, int] = {}
            with _recording(self.network, sizes):
                features = self._features(image)
        except Exception as error:  # whatever a network raises that takes images of one size only
            if isinstance(error, MemoryError):
                raise
            raise LandcoverError(
                f"`backbone` = {self.name}: does not take images of any size ({reason(error)}). Choose another."
            ) from error
        finally:
            self.train(training)
        found = {}
        for i, feature in enumerate(features):
            height, width = feature.shape[2:] if feature.ndim == 4 else (0, 0)
            if not height or height != width or _PROBE % height:
                raise LandcoverError(f"`backbone` = {self.name}: its features lie on no grid. Choose another.")
            if _PROBE // height in STRIDES:
                found[_PROBE // height] = i  # of several at one stride the last
        if not found or max(found) > output_stride:
            raise LandcoverError(
                f"`backbone` = {self.name}: has no features at strides {', '.join(map(str, STRIDES))}. Choose another."
            )
        self._chosen = tuple(found[stride] for stride in sorted(found))
        _localise(self.network, sizes)
        _prune(self.network, sizes)
        return tuple(sorted(found)), tuple(features[i].shape[1] for i in self._chosen)


class LocalSqueezeExcitation(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018) by the mean of a neighbourhood instead of the whole input.

    With the global mean, the features of a pixel would depend on the size of the crop or window around it (Chu et al.
    2022, "Revisiting Global Information Aggregation"). Here means are taken over squares of `_SQUEEZE` x `_SQUEEZE`
    cells of 32 x 32 image pixels, and the excitation is interpolated between them. At the border of the input, squares
    are cut off.

    Args:
        squeeze: The module to replace, of a type in `_EXCITATIONS`; its layers are used under the same names.
        cell: Side of a cell in pixels of the features.
    """

    def __init__(self, squeeze: nn.Module, cell: int) -> None:
        super().__init__()
        self.cell = cell
        self._layers = _EXCITATIONS[type(squeeze)]
        for name in self._layers:
            self.add_module(name, squeeze.get_submodule(name))

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same, H and W multiples of `cell`."""
        cells = functional.avg_pool2d(x, self.cell)
        excitation = functional.avg_pool2d(cells, _SQUEEZE, 1, _SQUEEZE // 2, count_include_pad=False)
        for name in self._layers:
            excitation = self.get_submodule(name)(excitation)
        return upsample(excitation, *x.shape[-2:]) * x


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
    dilation: dict[str, Any] = {} if output_stride == STRIDES[-1] else {"output_stride": output_stride}
    fixed = (timm.get_pretrained_cfg(timm_name) or timm.models.PretrainedCfg()).fixed_input_size
    options: list[dict[str, Any]] = [{"dynamic_img_size": True}, {"strict_img_size": False}] if fixed else []
    for option in (*options, {}):
        try:
            return timm.create_model(timm_name, in_chans=bands, num_classes=0, **dilation, **option)
        except TypeError:  # it has no such option
            continue
        except (AssertionError, NotImplementedError, ValueError, RuntimeError) as error:
            problem = reason(error)
            break
    else:
        problem = "its class has no such option"
    what = f"cannot have an output stride of {output_stride}" if dilation else "cannot be built"
    raise LandcoverError(f"`backbone` = {name}: {what} ({problem}). Choose another.")


@contextmanager
def _recording(network: nn.Module, sizes: dict[nn.Module, int]) -> Iterator[None]:
    """Record each module of a network that is called, with the height of its first input, 0 if that is no image."""

    def record(module: nn.Module, inputs: Any) -> None:
        image = inputs[0] if inputs else None
        sizes[module] = image.shape[2] if isinstance(image, Tensor) and image.ndim == 4 else 0

    handles = [module.register_forward_pre_hook(record) for module in network.modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _localise(network: nn.Module, sizes: Mapping[nn.Module, int]) -> None:
    """Replace squeeze-and-excitation by that of neighbourhoods."""
    for parent in list(network.modules()):
        for child, module in list(parent.named_children()):
            if type(module) in _EXCITATIONS and module in sizes:
                stride = _PROBE // sizes[module]
                setattr(parent, child, LocalSqueezeExcitation(module, STRIDES[-1] // stride))


def _prune(network: nn.Module, called: Mapping[nn.Module, int]) -> None:
    """Remove layers with weights that no feature needs, such as those between the last stage and the classifier."""
    used = {id(part) for module in called for part in module.modules()}
    for parent in list(network.modules()):
        for child, module in list(parent.named_children()):
            has_weights = any(True for _ in module.parameters())
            if has_weights and not any(id(part) in used for part in module.modules()):
                setattr(parent, child, nn.Identity())
