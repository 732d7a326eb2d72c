"""A network as a graph that computes with integers of 8 bits, and what it costs in accuracy, as model files hold them.

`landcover.inference.quantisation` makes such a graph, and `landcover.inference.int8_graph` checks it before it is run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

TENSOR = "int8.onnx"
"""Name of the tensor, uint8 (bytes,), that holds the graph in a model file; no layer can be called so."""

KEY = "int8"
"""Of the rest, in the metadata of the file."""


@dataclass(frozen=True, kw_only=True)
class Int8:
    """The graph, and how its labels compare with those of the float weights.

    Attributes:
        graph: Of ONNX: see `onnx_graph.onnx_graph` for what it takes and gives. Of unknown origin if read from a file.
        windows: Number of windows of images by which the ranges of its integers were chosen.
        float_layers: Number of the first convolutions that compute with floats.
        images: Number of the images with masks that the figures are of; None if there were none, as for them.
        mean_iou, pixel_accuracy: Of the graph, 0 to 1.
        float_mean_iou, float_pixel_accuracy: Of the float weights, likewise.
        same_labels: Share of the pixels that both give the same class.
    """

    graph: bytes = field(repr=False)
    windows: int
    float_layers: int
    images: int | None = None
    mean_iou: float | None = None
    pixel_accuracy: float | None = None
    float_mean_iou: float | None = None
    float_pixel_accuracy: float | None = None
    same_labels: float | None = None

    def to_json(self) -> dict[str, Any]:
        """All but the graph, as plain types; `from_json` reads them back."""
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], graph: bytes) -> "Int8":
        """Read what `to_json` returned.

        Raises:
            LookupError: One is missing.
            ValueError: One is impossible.
        """
        values = {name: content[name] for name in _NAMES}
        for name, value in values.items():
            is_count = name in ("windows", "float_layers", "images")
            if value is None and name not in ("windows", "float_layers"):
                continue
            if is_count and type(value) is int and value > 0:
                continue
            if not is_count and type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1:
                continue
            raise ValueError(f"{KEY}.{name} = {value!r:.60} is impossible")
        return cls(graph=graph, **values)


_NAMES = [one.name for one in fields(Int8) if one.name != "graph"]
