"""Networks quantised to integers of 8 bits, by the static quantisation of onnxruntime.

Weights and activations become integers with a scale: weights one of each output channel, by their own range;
activations one of each tensor, by its range on images like those that will be labelled (Jacob et al. 2018,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference").

Weights have 7 of the 8 bits. Without VNNI, processors add products of activations and weights in pairs in 16 bits,
which those of 8 bits overflow: labels would be worse, and depend on the processor.
"""

import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from landcover.inference.int8_graph import check_int8_graph
from landcover.inference.onnx_graph import INPUT, aligned, onnx_graph
from landcover.models.networks import Network
from landcover.system.errors import LandcoverError, is_out_of_memory, reason

if TYPE_CHECKING:
    from onnx import ModelProto

_LAYERS = ("Conv", "ConvTranspose")
_BETWEEN = frozenset(
    {"Add", "AveragePool", "Clip", "Concat", "GlobalAveragePool", "HardSigmoid", "LeakyRelu", "MaxPool", "Mul", "Pad"}
    | {"Relu", "Sigmoid"}
)
"""Operators of the encoder that take and give integers, so that its convolutions need not convert."""


FLOAT_LAYERS = (1, 3, 9)
"""How many of the first convolutions keep their precision, to be tried in this order."""


class _Reader:
    """Images as onnxruntime's calibration asks for them."""

    def __init__(self, images: Iterator[np.ndarray]) -> None:
        self._images = images

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next image, None after the last one."""
        image = next(self._images, None)
        return None if image is None else {INPUT: image}


def quantise(network: Network, images: Iterable[np.ndarray], classes: int, float_layers: int) -> bytes:
    """Return a network as a graph of 8-bit integers; the same network and images give the same bytes.

    Args:
        network: On a CPU, in evaluation mode; it is not changed.
        images: At least one, (H, W, B) of the network's pixel type at working resolution. They are taken one by one.
        classes: Number of classes.
        float_layers: Number of the first convolutions that keep their precision.

    Returns:
        The graph, which takes and gives what that of `onnx_graph.onnx_graph` does.

    Raises:
        ImportError: The package onnx or onnxruntime is not installed.
        LandcoverError: The network cannot be quantised, or an image cannot be read.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    try:
        proto = onnx.load_from_string(onnx_graph(network))
        with tempfile.TemporaryDirectory(prefix="landcover-") as folder, _silent():
            path = Path(folder) / "int8.onnx"
            quantize_static(
                proto,
                path,
                _Reader(_inputs(network, images)),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=sorted({*_LAYERS, *_BETWEEN}),
                nodes_to_exclude=_left_float(proto, classes, float_layers),
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
            graph = _tidied(onnx.load(path), proto, classes)
        check_int8_graph(graph, len(network.images.bands), classes)
    except (ImportError, LandcoverError):
        raise
    except Exception as error:  # of many kinds
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise LandcoverError(f"{network.architecture}: cannot be quantised ({reason(error)}).") from error
    return graph


def _inputs(network: Network, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Images as the graph takes them: float32 (1, B, H, W), padded as `Network.forward` pads them."""
    for image in images:
        yield aligned(network.to_input(np.stack([image]))).numpy()  # a copy: images may be read-only


def _left_float(proto: "ModelProto", classes: int, float_layers: int) -> list[str]:
    """Names of the operators that keep their precision.

    These are the first convolutions of each encoder, of which a few channels often reach much further than the others;
    what the decoder does between its convolutions, as it adds and joins features of several strides, whose ranges
    differ; the convolutions that give a score of each class; and what computes sizes.
    """
    layers = [node for node in proto.graph.node if node.op_type in _LAYERS]
    of_encoder: dict[str, list[Any]] = {}
    for node in layers:
        of_encoder.setdefault(_encoder(node.name), []).append(node)
    shapes = {tensor.name: tensor.dims for tensor in proto.graph.initializer}

    def is_score(node: Any) -> bool:
        shape = shapes.get(node.input[1])
        return shape is not None and shape[0 if node.op_type == "Conv" else 1] == classes

    values = {INPUT}  # the others are sizes, which some networks compute
    for node in proto.graph.node:
        if node.op_type != "Shape" and not values.isdisjoint(node.input):
            values.update(node.output)
    kept = [node for encoder in of_encoder.values() for node in encoder[:float_layers]]
    kept += filter(is_score, layers)
    for node in proto.graph.node:
        is_between = node.op_type not in _LAYERS and not node.name.startswith("/backbone")
        if is_between or values.isdisjoint(node.output):
            kept.append(node)
    return [node.name for node in kept]


def _encoder(name: str) -> str:
    """Which of the encoders of an ensemble an operator belongs to; the same for all operators of other networks."""
    member = re.match(r"/(backbone/en|decoder/de)coders\.(\d+)/", name)
    return member[2] if member else ""


def _tidied(made: "ModelProto", proto: "ModelProto", classes: int) -> bytes:
    """The quantised graph without what onnxruntime notes beside it, with the ends of the graph that it was made of."""
    del made.metadata_props[:]
    del made.graph.value_info[:]
    domains = {node.domain for node in made.graph.node}
    kept = [opset for opset in made.opset_import if opset.domain in domains]
    del made.opset_import[:]
    made.opset_import.extend(kept)
    made.ir_version = proto.ir_version
    made.producer_name = made.producer_version = made.doc_string = ""
    for part in (made.graph, *made.graph.node, *made.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    shape = made.graph.output[0].type.tensor_type.shape
    for axis, dim in enumerate(shape.dim):
        dim.Clear()
        dim.dim_param = ("batch", "", "height", "width")[axis]
    shape.dim[1].dim_value = classes
    content: bytes = made.SerializeToString(deterministic=True)
    return content


@contextmanager
def _silent() -> Iterator[None]:
    """Leave out what onnxruntime's quantisation logs, such as advice to optimise a graph that is optimised."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
