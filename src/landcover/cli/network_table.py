"""The networks that can be built, with their size, their cost and their resolution."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from landcover.cli.printing import format_table
from landcover.models.decoders import Encoder
from landcover.models.encoders import RECOMMENDED, backbones, check_backbone
from landcover.models.networks import MODELS, Architecture, check_strides, model_spec
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


def list_networks(
    model: str | None = None, backbone: str = "*", classes: int = 6, *, from_all: bool = False
) -> list[Row]:
    """Every model on every backbone that it works on, or only those of one model, or of some backbones.

    Args:
        model: Name of the only model.
        backbone: Name of the only backbone, or a pattern that the names match, such as `resnet*`.
        from_all: Match the pattern with all backbones, not with the recommended ones only.

    Raises:
        LandcoverError: No such model or backbone, or no model works on the backbones.
    """
    names = match_backbones(backbone, from_all=from_all)
    models = MODELS if model is None else {model: model_spec(model)}
    pairs: list[tuple[str, str | None]] = []
    for name, spec in models.items():
        if spec.has_backbone:
            pairs += [(name, other) for other in names]
        elif backbone == "*":
            pairs.append((name, None))
    if not pairs:
        raise LandcoverError(f"{model} has an encoder of its own: it works on no backbone")
    encoded = functools.cache(_encode)  # most of the cost of a row is its encoder's, which many rows share
    rows, problems = [], []
    for name, other in pairs:
        try:
            if isinstance(encoder := encoded(MODELS[name].encoder, other), LandcoverError):
                raise encoder
            rows.append(encoder.row(name, classes))
        except LandcoverError as error:  # the model does not work on this backbone
            problems.append(error)
    if not rows:
        raise problems[0]
    return rows


def match_backbones(pattern: str, *, from_all: bool = False) -> list[str]:
    """Names of the recommended backbones that match a pattern, or those of all that do; a name is its own match.

    Raises:
        LandcoverError: There are none.
    """
    if not set(pattern) & set("*?["):
        check_backbone(pattern)
        return [pattern]
    found = [name for name in backbones(pattern) if from_all or name in RECOMMENDED]
    if not found:
        advice = "" if from_all else "; search all of them with --all"
        raise LandcoverError(f"no {'' if from_all else 'recommended '}backbone matches {pattern!r}{advice}")
    return found


def format_networks(rows: Sequence[Row]) -> str:
    """The networks as a table."""
    headings = ("model", "backbone", "parameters", f"GFLOPs at {IMAGE}x{IMAGE}", "stride")
    cells = [
        (row.model, row.backbone or "-", f"{row.parameters:,}", f"{row.gflops:.1f}", str(row.stride)) for row in rows
    ]
    return format_table(headings, cells, names=2)


class _Encoded:
    """An encoder and its features of an image, on the meta device: shapes without numbers."""

    def __init__(self, encoder: Callable[[str, int], nn.Module], backbone: str | None) -> None:
        self.backbone = backbone
        with torch.device("meta"):
            self.encoder = encoder(backbone or "", 3).eval()
            self.image = torch.empty(1, 3, IMAGE, IMAGE)
        self.features, self.flops = _count_flops(self.encoder, self.image)

    def row(self, model: str, classes: int) -> Row:
        """The row of a model on this encoder.

        Raises:
            LandcoverError: The model does not work on it.
        """
        check_strides(Architecture(model, self.backbone), cast(Encoder, self.encoder))
        with torch.device("meta"):
            decoder = MODELS[model].decoder(self.encoder, classes).eval()
        _, flops = _count_flops(decoder, self.image, self.features)
        parameters = sum(tensor.numel() for part in (self.encoder, decoder) for tensor in part.parameters())
        return Row(model, self.backbone, parameters, (self.flops + flops) / 1e9, cast(int, decoder.stride))


def _encode(encoder: Callable[[str, int], nn.Module], backbone: str | None) -> _Encoded | LandcoverError:
    try:
        return _Encoded(encoder, backbone)
    except LandcoverError as error:
        return error


@torch.inference_mode()
def _count_flops(module: nn.Module, *inputs: Any) -> tuple[Any, int]:
    with FlopCounterMode(display=False) as counter:
        output = module(*inputs)
    return output, counter.get_total_flops()
