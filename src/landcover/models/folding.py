"""Batch norm folded into the preceding convolutions: the same function, with fewer passes over memory."""

from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

NetworkType = TypeVar("NetworkType", bound=nn.Module)


def fold_batch_norm(network: NetworkType) -> NetworkType:
    """Fold each batch norm that follows a convolution into its weights, in place; for evaluation only.

    If a batch norm is the next child of a module after a convolution, the module is assumed to call the two in
    succession. This is true for all of `landcover.models.networks`.

    Args:
        network: In evaluation mode.

    Returns:
        The network, channels last in memory.
    """
    for module in list(network.modules()):
        for (name, layer), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, _BatchNorm):
                setattr(module, name, fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d)))
                # timm's norms of the type BatchNormAct2d include the activation, which stays.
                setattr(
                    module, norm_name, nn.Sequential(norm.drop, norm.act) if hasattr(norm, "act") else nn.Identity()
                )
    return network.to(memory_format=torch.channels_last)
