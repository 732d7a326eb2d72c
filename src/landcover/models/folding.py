"""Batch norm folded into the preceding convolutions: the same function, with fewer passes over memory."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from landcover.models.networks import Network

_SIDE = 64  # pixels: of the image that shows which layers follow each other

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d, Conv2dSame)  # others may compute with other weights than they have
_NORMS = (nn.BatchNorm2d, BatchNormAct2d)


def fold_batch_norm(network: Network) -> Network:
    """Fold each batch norm into the convolution whose output it alone takes, in place; for evaluation only.

    Args:
        network: In evaluation mode.

    Returns:
        The network, channels last in memory.
    """
    replacements: dict[nn.Module, nn.Module] = {}
    for convolution, norm in _successive(network):
        is_transposed = isinstance(convolution, nn.ConvTranspose2d)
        replacements[convolution] = fuse_conv_bn_eval(convolution, norm, transpose=is_transposed)
        # timm's norms include the activation, which stays.
        is_act = isinstance(norm, BatchNormAct2d)
        replacements[norm] = nn.Sequential(norm.drop, norm.act) if is_act else nn.Identity()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in replacements:
                setattr(parent, name, replacements[child])
    return network.to(memory_format=torch.channels_last)


def _successive(network: Network) -> list[tuple[Any, Any]]:
    """The convolutions and the batch norms that follow them, of which nothing else takes the convolution's output.

    Which layers follow each other is seen in the graph that autograd records: timm's networks call their layers in
    another order than they list them, and some use the output of a convolution twice.
    """
    made: dict[object, nn.Module] = {}  # by which convolution, for each node of the graph
    pairs: list[tuple[object, nn.Module, nn.Module]] = []
    calls: Counter[nn.Module] = Counter()

    def after_convolution(module: nn.Module, inputs: Any, output: Tensor) -> None:
        calls[module] += 1
        made[output.grad_fn] = module

    def before_norm(module: nn.Module, inputs: Any) -> None:
        calls[module] += 1
        node = inputs[0].grad_fn
        if node in made:
            pairs.append((node, made[node], module))

    handles = [m.register_forward_hook(after_convolution) for m in network.modules() if type(m) in _CONVOLUTIONS]
    handles += [m.register_forward_pre_hook(before_norm) for m in network.modules() if type(m) in _NORMS]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            logits = network(torch.rand(1, len(network.images.bands), _SIDE, _SIDE, requires_grad=True))
    finally:
        for handle in handles:
            handle.remove()
    uses = Counter(_edges(logits.grad_fn))
    return [(conv, norm) for node, conv, norm in pairs if uses[node] == calls[conv] == calls[norm] == 1]


def _edges(root: Any) -> Iterator[object]:
    """For each use of a result in the computation of another, the node of the first in the graph of autograd."""
    seen, waiting = {root}, [root]
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if node is not None:
                yield node
                if node not in seen:
                    seen.add(node)
                    waiting.append(node)
