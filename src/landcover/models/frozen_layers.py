"""The layers of an encoder that keep their weights while the rest is trained."""

from typing import Any

import torch
from torch import Tensor, nn

from landcover.models.encoders import PROBE, STRIDES, Backbone
from landcover.models.networks import Network
from landcover.models.squeeze_excitation import LocalSqueezeExcitation
from landcover.system.errors import LandcoverError


def freeze_layers(network: Network, stride: int) -> list[nn.Module]:
    """Let the first layers of a network's encoder need no gradients: those before features leave a stride.

    The first layers cost most, as their features are the finest, and pretrained ones change least (Yosinski et al.
    2014, "How transferable are features in deep neural networks?").

    Args:
        network: Of any model that has a `Backbone`.
        stride: One of `encoders.STRIDES`, in pixels of the image.

    Returns:
        The layers, in the order in which they are called. Evaluation mode also keeps the statistics of their batch
        norms.

    Raises:
        LandcoverError: The encoder has no such layers, or is the model's own, for which there are no weights to keep.
    """
    backbone = network.backbone
    if not isinstance(backbone, Backbone):
        model = network.architecture.model
        raise LandcoverError(f"`freeze_stride` = {stride}: {model} has an encoder of its own. Set it to 0.")
    layers = _first_layers(backbone, stride)
    if not layers:
        raise LandcoverError(
            f"`freeze_stride` = {stride}: {backbone.name} has no layers of this stride. Set it to 0 or to one of "
            f"{', '.join(map(str, backbone.strides))}."
        )
    for layer in layers:
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(False)
    return layers


@torch.no_grad()
def _first_layers(backbone: Backbone, stride: int) -> list[nn.Module]:
    """The layers with tensors of their own that are called before any that gives features of a coarser stride."""
    excitations = {
        layer
        for module in backbone.modules()
        if isinstance(module, LocalSqueezeExcitation)
        for layer in module.modules()
        if layer is not module
    }
    layers: dict[nn.Module, None] = {}
    is_past = False

    def note(layer: nn.Module, _: Any, features: Any) -> None:
        nonlocal is_past
        is_past |= layer not in excitations and (_stride_of(features) or 0) > stride
        if not is_past and layer._parameters:
            layers[layer] = None

    handles = [module.register_forward_hook(note) for module in backbone.modules()]
    training = backbone.training
    try:
        backbone.eval()(torch.zeros(1, backbone.bands, *PROBE, device=next(backbone.parameters()).device))
    finally:
        backbone.train(training)
        for handle in handles:
            handle.remove()
    return list(layers)


def _stride_of(features: Any) -> int | None:
    """The stride of features (N, C, H, W) or (N, H, W, C) of an image of the size `PROBE`; None for anything else."""
    if not isinstance(features, Tensor) or features.ndim != 4:
        return None
    for stride in STRIDES:
        size = PROBE[0] // stride, PROBE[1] // stride
        if size in (tuple(features.shape[2:]), tuple(features.shape[1:3])):
            return stride
    return None
