"""Squeeze-and-excitation by the mean of a neighbourhood, so that windows of an image agree with the whole."""

from collections.abc import Mapping

from timm.layers.eca import EcaModule
from timm.layers.squeeze_excite import EffectiveSEModule, SEModule
from timm.models import hgnet, senet
from timm.models._efficientnet_blocks import SqueezeExcite
from torch import Tensor, nn
from torch.nn import functional

from landcover.models.pooling import neighbourhood_means
from landcover.models.upsampling import upsample

_CELL = 32  # pixels of the image, as every input is a multiple of it
_SQUEEZE = 3  # cells; 5 is no more accurate, and windows differ from the whole image twice as often

_EXCITATIONS: dict[type[nn.Module], tuple[str, ...]] = {
    SqueezeExcite: ("conv_reduce", "act1", "conv_expand", "gate"),
    SEModule: ("fc1", "bn", "act", "fc2", "gate"),
    EffectiveSEModule: ("fc", "gate"),
    EcaModule: ("conv", "gate"),
    hgnet.EseModule: ("conv", "sigmoid"),
    senet.SEModule: ("fc1", "relu", "fc2", "sigmoid"),
}
"""timm's modules that scale features by a function of their global mean, with the layers of the function in turn."""


class LocalSqueezeExcitation(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018) by the mean of a neighbourhood instead of the whole input.

    Means are taken over squares of `_SQUEEZE` x `_SQUEEZE` cells of 32 x 32 image pixels (see `pooling`), and the
    excitation is interpolated between them.

    Args:
        squeeze: The module to replace, of a type in `_EXCITATIONS`; its layers are used under the same names.
        cell: Side of a cell in pixels of the features.
    """

    def __init__(self, squeeze: nn.Module, cell: int) -> None:
        super().__init__()
        self.cell = cell
        self._layers = _EXCITATIONS[type(squeeze)]
        for name in self._layers:
            layer = squeeze.get_submodule(name)
            self.add_module(name, _AcrossChannels(layer) if isinstance(layer, nn.Conv1d) else layer)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W) to the same, H and W multiples of `cell`."""
        excitation = neighbourhood_means(x, self.cell, _SQUEEZE)
        for name in self._layers:
            excitation = self.get_submodule(name)(excitation)
        return upsample(excitation, *x.shape[-2:]) * x


class _AcrossChannels(nn.Module):
    """A convolution along the channels, by the weights of one with a single channel in and out."""

    def __init__(self, convolution: nn.Conv1d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same."""
        weight = self.convolution.weight[..., None, None]  # (1, 1, K, 1, 1)
        padding = (weight.shape[2] // 2, 0, 0)
        return functional.conv3d(x[:, None], weight, self.convolution.bias, padding=padding)[:, 0]


def localise(network: nn.Module, strides: Mapping[nn.Module, int]) -> None:
    """Replace all squeeze-and-excitation in a network of timm by that of neighbourhoods.

    Args:
        strides: Of the input of each module that is called, in pixels of the image.
    """
    for parent in list(network.modules()):
        for child, module in list(parent.named_children()):
            if type(module) in _EXCITATIONS and strides.get(module, _CELL + 1) <= _CELL:
                setattr(parent, child, LocalSqueezeExcitation(module, _CELL // strides[module]))
