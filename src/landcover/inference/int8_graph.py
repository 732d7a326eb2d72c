"""Graphs of 8-bit integers from model files, which may be anybody's: checked before an engine gets them.

An engine can be told by a graph to read other files (tensors may lie outside), to run operators of others, or to take
more memory than there is. What is checked here computes an output from an image, and does nothing else.
"""

from collections.abc import Iterable, Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from landcover.inference.onnx_graph import INPUT, MAX_BYTES, OUTPUT, RECORDED

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto

_OPERATORS = """
Add AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos CumSum
DequantizeLinear Div Equal Erf Expand Gather Gelu GlobalAveragePool HardSigmoid HardSwish Identity LayerNormalization
LeakyRelu LogSoftmax MatMul MaxPool Mod Mul Not Pad Pow QuantizeLinear Range ReduceL2 ReduceLogSumExp ReduceMean
ReduceSum Relu Reshape Resize ScatterND Shape Sigmoid Sin Slice Softmax Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze
Where
"""
OPERATORS = frozenset(_OPERATORS.split())
"""Of ONNX's own, those that networks of images consist of."""

_MOST_VALUES = 2**28
"""Of any intermediate result for an image of the size `RECORDED`; networks have some million."""


def check_int8_graph(graph: bytes, bands: int, classes: int) -> None:
    """Check that a graph takes images and gives logits as those of `onnx_graph.onnx_graph` do, and does nothing else.

    Args:
        graph: The bytes of an ONNX file.
        bands: Number B of bands of the images.
        classes: Number C of classes.

    Raises:
        ImportError: The package onnx is not installed.
        ValueError: It does something else.
    """
    import onnx

    if len(graph) > MAX_BYTES:
        raise ValueError("it takes more than 2 GiB")
    try:
        proto = onnx.load_from_string(graph)
    except Exception as error:  # of protobuf's own kind
        raise ValueError("it is damaged") from error
    try:
        _check_content(proto)
        _check_ends(proto.graph, bands, classes)
        onnx.checker.check_model(proto, full_check=True)
        _check_sizes(proto)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(str(error).strip().partition("\n")[0] or "it is damaged") from error


def _check_content(proto: "ModelProto") -> None:
    """Raise a ValueError if there is more in a file than operators of `OPERATORS` and their tensors."""
    import onnx

    if proto.functions or proto.training_info or proto.metadata_props:
        raise ValueError("it has functions, training or settings of its own")
    if [opset.domain for opset in proto.opset_import] != [""]:
        raise ValueError("it needs operators that are not ONNX's")
    graph, kinds = proto.graph, onnx.AttributeProto
    if graph.sparse_initializer:
        raise ValueError("it has sparse tensors")
    allowed = {kinds.FLOAT, kinds.INT, kinds.STRING, kinds.TENSOR, kinds.FLOATS, kinds.INTS, kinds.STRINGS}
    for node in graph.node:
        if node.domain or node.op_type not in OPERATORS:
            raise ValueError(f"it has the operator {f'{node.domain}.' if node.domain else ''}{node.op_type}"[:80])
        if any(one.type not in allowed or one.HasField("g") or one.graphs for one in node.attribute):
            raise ValueError(f"it has the operator {node.op_type} with a graph of its own")
    for tensor in _tensors(graph):
        if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
            raise ValueError("it refers to other files")


def _tensors(graph: "GraphProto") -> Iterator["TensorProto"]:
    """All tensors of a graph."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors


def _check_ends(graph: "GraphProto", bands: int, classes: int) -> None:
    """Raise a ValueError unless it takes images and gives logits, both float32 of any height and width."""
    for values, name, channels in ((graph.input, INPUT, bands), (graph.output, OUTPUT, classes)):
        if [_described(value) for value in values] != [(name, 1, channels)]:
            raise ValueError(f"it does not have {name}, float32 (N, {channels}, H, W), as its only {_SIDES[name]}")


_SIDES = {INPUT: "input", OUTPUT: "output"}


def _described(value: "ValueInfoProto") -> tuple[str, int, int]:
    """Name, type and channels of an input or output; 0 channels if it is no image of any size."""
    tensor = value.type.tensor_type
    sizes = [dim.dim_value for dim in tensor.shape.dim]
    is_image = len(sizes) == 4 and not (sizes[0] or sizes[2] or sizes[3])
    return value.name, tensor.elem_type, sizes[1] if is_image else 0


def _check_sizes(proto: "ModelProto") -> None:
    """Raise a ValueError if intermediate results for a small image are huge, as far as ONNX infers their sizes."""
    import onnx

    given: Any = onnx.ModelProto()
    given.CopyFrom(proto)
    for dim, size in zip(given.graph.input[0].type.tensor_type.shape.dim, (1, None, *RECORDED), strict=True):
        if size:
            dim.dim_value = size
    for dim in (given.graph.output[0].type.tensor_type.shape.dim[i] for i in (0, 2, 3)):
        dim.Clear()
    inferred = onnx.shape_inference.infer_shapes(given, strict_mode=True, data_prop=True)
    if _largest(inferred.graph.value_info) > _MOST_VALUES:
        raise ValueError("it takes too much memory")


def _largest(values: Iterable["ValueInfoProto"]) -> int:
    """Number of values of the largest tensor whose sizes are known."""
    sizes = ([dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values)
    return max((prod(size) for size in sizes), default=0)
