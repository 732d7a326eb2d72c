"""Dilated convolutions in place of strides, so that features stay on a finer grid (Chen et al. 2017, section 3.1)."""

from collections.abc import Mapping

from torch import nn


def dilate(strides: Mapping[nn.Module, int], output_stride: int) -> None:
    """Let convolutions no longer take features beyond `output_stride`; those behind it are dilated by what they lose.

    Weights and their receptive fields stay as they are. What reduces features by pooling still does so.

    Args:
        strides: Of the input of each module, in pixels of the image.
        output_stride: Of the coarsest features.
    """
    for module, stride in strides.items():
        if isinstance(module, nn.Conv2d) and stride >= output_stride and not isinstance(module.padding, str):
            rate = stride // output_stride
            module.stride = (1, 1)
            module.dilation = (module.dilation[0] * rate, module.dilation[1] * rate)
            module.padding = (module.padding[0] * rate, module.padding[1] * rate)
