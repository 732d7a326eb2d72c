"""The networks that can be built, with their size, their cost and their resolution."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from landcover.cli.printing import format_table
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


def list_networks(model: str | None = None, backbone: str | None = None, classes: int = 6) -> list[Row]:
    """Every model on every backbone that it works on, or only those of one model, of one backbone, or of both.

    Raises:
        LandcoverError: No such model or backbone, or the model does not work on the backbone.
    """
    if backbone is not None and backbone not in BACKBONES:
        raise LandcoverError(f"no backbone {backbone!r}; there are {', '.join(BACKBONES)}")
    models = MODELS if model is None else (model,)
    pairs = [(name, other) for name in models for other in backbones_of(name) if backbone in (None, other)]
    if not pairs and model is not None:
        others = ", ".join(filter(None, backbones_of(model))) or "an encoder of its own"
        raise LandcoverError(f"{model} does not work on {backbone}, but on {others}")
    # Most of the cost of a row is its encoder's, which many rows share.
    encoded = functools.cache(_Encoded)
    return [encoded(MODELS[name].encoder, other).row(name, classes) for name, other in pairs]


def format_networks(rows: Sequence[Row]) -> str:
    """The networks as a table."""
    headings = ("model", "backbone", "parameters", f"GFLOPs at {IMAGE}x{IMAGE}", "stride")
    cells = [
        (row.model, row.backbone or "-", f"{row.parameters:,}", f"{row.gflops:.1f}", str(row.stride)) for row in rows
    ]
    return format_table(headings, cells, names=2)


class _Encoded:
    """An encoder and its features of an image, on the meta device: shapes without numbers."""

    def __init__(self, encoder: Callable[[Any], nn.Module], backbone: str | None) -> None:
        self.backbone = backbone
        with torch.device("meta"):
            self.encoder = encoder(backbone).eval()
            self.image = torch.empty(1, 3, IMAGE, IMAGE)
        self.features, self.flops = _count_flops(self.encoder, self.image)

    def row(self, model: str, classes: int) -> Row:
        """The row of a model on this encoder."""
        with torch.device("meta"):
            decoder = MODELS[model].decoder(self.encoder, classes).eval()
        _, flops = _count_flops(decoder, self.image, self.features)
        parameters = sum(tensor.numel() for part in (self.encoder, decoder) for tensor in part.parameters())
        return Row(model, self.backbone, parameters, (self.flops + flops) / 1e9, cast(int, decoder.stride))


@torch.inference_mode()
def _count_flops(module: nn.Module, *inputs: Any) -> tuple[Any, int]:
    with FlopCounterMode(display=False) as counter:
        output = module(*inputs)
    return output, counter.get_total_flops()
