"""A table of all the networks that can be built: their size, their cost and their resolution."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from landcover.models.encoders import BACKBONES
from landcover.models.networks import MODELS, backbones_of
from landcover.system.errors import LandcoverError

IMAGE = 512
"""Height and width in pixels of the image that the cost is for."""


@dataclass(frozen=True)
class Row:
    """A model on a backbone.

    Attributes:
        parameters: Their number.
        gflops: Billions of floating-point operations for an image of `IMAGE` x `IMAGE`; a multiply-add is two.
            Convolutions and matrix products are counted, as by PyTorch's `FlopCounterMode`.
        stride: Of the finest features that the model uses, in pixels.
    """

    model: str
    backbone: str | None
    parameters: int
    gflops: float
    stride: int


def model_table(model: str | None = None, backbone: str | None = None, classes: int = 6) -> list[Row]:
    """Every model on every backbone that it works on, or only those of one model, of one backbone, or of both.

    Raises:
        LandcoverError: No such model or backbone, or the two don't go together.
    """
    if backbone is not None and backbone not in BACKBONES:
        raise LandcoverError(f"no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    models = MODELS if model is None else (model,)
    pairs = [(name, other) for name in models for other in backbones_of(name) if backbone in (None, other)]
    if not pairs:
        others = ", ".join(filter(None, backbones_of(model))) or "an encoder of its own"
        raise LandcoverError(f"{model} does not work on {backbone}, but on {others}")
    # Most of the cost of a row is its encoder's, which many rows share.
    encoded = functools.cache(_Encoded)
    return [encoded(MODELS[name].encoder, other).row(name, other, classes) for name, other in pairs]


def format_table(rows: list[Row]) -> str:
    """The table as aligned lines under a heading."""
    heading = ("model", "backbone", "parameters", f"GFLOPs at {IMAGE}x{IMAGE}", "stride")
    cells = [
        (row.model, row.backbone or "-", f"{row.parameters:,}", f"{row.gflops:.1f}", str(row.stride)) for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(heading, *cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)  # names, then numbers
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in (heading, *cells)
    )


class _Encoded:
    """An encoder, and what it makes of an image; on the meta device, so shapes without numbers."""

    def __init__(self, encoder: Callable[[str], nn.Module], backbone: str | None) -> None:
        with torch.device("meta"):
            self.encoder = encoder(backbone).eval()
            self.image = torch.empty(1, 3, IMAGE, IMAGE)
        self.features, self.flops = _count_flops(self.encoder, self.image)

    def row(self, model: str, backbone: str | None, classes: int) -> Row:
        with torch.device("meta"):
            decoder = MODELS[model].decoder(self.encoder, classes).eval()
        _, flops = _count_flops(decoder, self.image, self.features)
        parameters = sum(tensor.numel() for part in (self.encoder, decoder) for tensor in part.parameters())
        return Row(model, backbone, parameters, (self.flops + flops) / 1e9, decoder.stride)


@torch.inference_mode()
def _count_flops(module: nn.Module, *inputs: Any) -> tuple[Any, int]:
    with FlopCounterMode(display=False) as counter:
        output = module(*inputs)
    return output, counter.get_total_flops()
