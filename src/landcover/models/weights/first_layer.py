"""The first layer of an encoder: its weights for another number of bands, or for another normalisation of the input."""

from collections.abc import Mapping, Sequence

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.models import adapt_input_conv
from torch import Tensor, nn

from landcover.images.image_spec import IMAGENET_MEAN, IMAGENET_STD
from landcover.system.errors import LandcoverError

RGB_BANDS = 3
"""Bands of the images of ImageNet, from which weights can be adapted to any other number."""


def adapt_bands(weight: Tensor, bands: int) -> Tensor:
    """Weights (O, `bands`, H, W) of a first layer, from those (O, 3, H, W) for red, green and blue.

    By timm's rule: for one band, the sum; for others, the three in turn, times 3 / `bands`, so that the output keeps
    its magnitude.
    """
    adapted: Tensor = adapt_input_conv(bands, weight)
    return adapted


def fold_normalisation(
    network: nn.Module, weights: Mapping[str, Tensor], layer: str, mean: Sequence[float], std: Sequence[float]
) -> dict[str, Tensor]:
    """Weights for images that are normalised by ImageNet's statistics, from those for images normalised by others.

    The scale goes into the convolution, the shift into its bias or the running mean of the batch norm after it. The
    network computes the same, but for the outermost pixels of its first layer: beyond the border it continues an image
    by zeros, which are another colour then.

    Args:
        network: timm's network; only its modules count, not its weights.
        weights: Its state dict.
        layer: Name of the network's first convolution.
        mean, std: Statistics of each of the three bands by which `weights` expect images in 0..1 to be normalised.

    Raises:
        LandcoverError: Nothing takes up the shift, or the convolution normalises its weights.
    """
    convolution, norm = network.get_submodule(layer), _norm_after(network, layer)
    if type(convolution) not in (nn.Conv2d, Conv2dSame) or (f"{layer}.bias" not in weights and norm is None):
        raise LandcoverError(f"normalisation by mean {mean} and std {std} cannot be folded into {layer}")
    their_mean, their_std, our_mean, our_std = (
        torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)  # (3, 1, 1)
        for values in (mean, std, IMAGENET_MEAN, IMAGENET_STD)
    )
    kernel = weights[f"{layer}.weight"].double()  # (O, 3, H, W)
    shift = (kernel * ((our_mean - their_mean) / their_std)).sum((1, 2, 3))
    changed = {f"{layer}.weight": kernel * (our_std / their_std)}
    if f"{layer}.bias" in weights:
        changed[f"{layer}.bias"] = weights[f"{layer}.bias"] + shift
    else:
        changed[f"{norm}.running_mean"] = weights[f"{norm}.running_mean"] - shift
    return {**weights, **{name: tensor.to(weights[name].dtype) for name, tensor in changed.items()}}


def _norm_after(network: nn.Module, layer: str) -> str | None:
    """Name of the batch norm that follows a convolution; None if another layer with weights does."""
    modules: list[tuple[str, nn.Module]] = list(network.named_modules())
    for name, module in modules[[name for name, _ in modules].index(layer) + 1 :]:
        if isinstance(module, nn.BatchNorm2d):
            return name
        if any(True for _ in module.parameters(recurse=False)):
            return None
    return None
