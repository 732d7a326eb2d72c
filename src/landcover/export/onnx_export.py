"""Trained models as ONNX files, for use without this program: in onnxruntime, in QGIS (Deepness), in geodeep."""

import copy
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from landcover.classes.colours import hex_colour
from landcover.export.options import OPSET, RESOLUTION, TILE_SIZE
from landcover.images.image_spec import COLOURS, ImageSpec
from landcover.inference.engines import find_engine
from landcover.inference.onnx_graph import MAX_BYTES, OUTPUT, RECORDED, AlignedNetwork
from landcover.models.model_file import Model
from landcover.models.networks import Network
from landcover.system.errors import LandcoverError, requiring_extra
from landcover.system.files import replacing
from landcover.system.outputs import check_outputs

if TYPE_CHECKING:  # optional: only export_onnx needs it
    from onnx import ModelProto

_FORMAT = 8  # of the file: the oldest for this opset, as runtimes refuse formats newer than they know


def export_onnx(
    model: Model,
    path: Path | str,
    *,
    tile_size: int = TILE_SIZE,
    dynamic: bool = False,
    resolution: float = RESOLUTION,
    overlap: float = 0.25,
    int8: bool = False,
) -> None:
    """Write a model as an ONNX file of opset `OPSET`; the same model gives the same bytes.

    The input `image` is float32 (batch, B, H, W) at the model's working resolution: the bands in the model's order, as
    pixels / 255 if the training images have 8 bits, else as pixel values; they are normalised in the graph. The output
    `probabilities` is float32 (batch, C, H, W) and adds up to 1 over the classes `model.classes.names`. Any size of
    batch will do. The metadata, JSON each, tell Deepness and geodeep how to use the model, and people what it is.

    Args:
        model: Not changed.
        path: The file; an existing one is replaced.
        tile_size: H and W in pixels, a multiple of 32.
        dynamic: Whether H and W are free. `tile_size` is then only a hint, and neither client can use the file.
        resolution: Centimetres of ground per pixel at the model's working resolution.
        overlap: Share of a tile's side (0 <= overlap < 1) that clients let the next tile cover too.
        int8: Write the graph of 8-bit integers of a quantised model, rather than the float weights. Not with `dynamic`.

    Raises:
        LandcoverError: Packages are missing, the model is too large for an ONNX file, `path` is the model's, or there
            is no usable graph of 8-bit integers.
    """
    path = Path(path)
    check_outputs([model.path] if model.path else [], files=[path])
    with requiring_extra("ONNX files", "onnx"):
        import onnx
        import onnxscript  # noqa: F401 (torch.onnx needs it)
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.network.state_dict().values())
    if size > MAX_BYTES:
        raise LandcoverError(
            f"{path}: an ONNX file may have 2 GiB, and the weights of {model.architecture} take {size / 2**30:.1f}. "
            "Train a smaller network (train.context, train.backbone)."
        )
    proto = _of_integers(model, path, tile_size) if int8 else _translate(model, None if dynamic else tile_size)
    proto.doc_string = f"Land cover: {model.architecture}{', int8' if int8 else ''}"
    onnx.helper.set_model_props(proto, _metadata(model, tile_size, resolution, overlap))
    onnx.checker.check_model(proto, full_check=True)
    with replacing(path) as scratch:
        scratch.write_bytes(proto.SerializeToString(deterministic=True))


class _Probabilities(nn.Module):
    """A network and softmax.

    Args:
        network: The network.
        aligned: Whether every stride divides the height and width of all images.
    """

    def __init__(self, network: Network, aligned: bool) -> None:
        super().__init__()
        self.network, self.aligned = network, aligned

    def forward(self, image: Tensor) -> Tensor:
        network = self.network
        logits: Tensor = AlignedNetwork(network)(image) if self.aligned else network(image)
        return logits.softmax(1)


def _translate(model: Model, tile_size: int | None) -> "ModelProto":
    """The network and softmax as ONNX, for tiles of `tile_size` or, if that is None, of any size."""
    # Channels last, the memory format in which models are loaded, would leave traces in the graph.
    network = copy.deepcopy(model.network).cpu().to(memory_format=torch.contiguous_format)
    module = _Probabilities(network, aligned=tile_size is not None).eval()
    axes = {0: "batch"} if tile_size else {0: "batch", 2: "height", 3: "width"}
    height, width = (tile_size, tile_size) if tile_size else RECORDED  # not 1 at stride 32, or sizes would be fixed
    with warnings.catch_warnings(action="ignore"):  # about details of the exporter
        program = torch.onnx.export(
            module,
            (torch.zeros(2, len(network.images.bands), height, width),),  # two, as a batch of one would become fixed
            input_names=["image"],
            output_names=["probabilities"],
            opset_version=OPSET,
            dynamic_shapes=(axes,),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # as dynamo is on
    proto = program.model_proto
    proto.ir_version = _FORMAT
    graph = proto.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("metadata_props")  # stack traces, with paths of this machine
    graph.ClearField("value_info")  # sizes of intermediate results, which runtimes infer themselves
    for axis, name in axes.items():
        graph.output[0].type.tensor_type.shape.dim[axis].dim_param = name
    return proto


def _of_integers(model: Model, path: Path, tile_size: int) -> "ModelProto":
    """The graph of 8-bit integers of a model and softmax, for tiles of `tile_size`."""
    import onnx

    if model.int8 is None:
        raise LandcoverError(f"{path}: the model has no integers of 8 bits. Make one that has: landcover quantize.")
    find_engine(copy.deepcopy(model.network).cpu().eval(), "onnxruntime")  # checks the graph
    proto = onnx.load_from_string(model.int8.graph)
    graph = proto.graph
    if any("probabilities" in node.output for node in graph.node):  # not of ours, which is called otherwise
        raise LandcoverError(f"{path}: the model's graph cannot be exported. Quantise the model again.")
    graph.node.append(onnx.helper.make_node("Softmax", [OUTPUT], ["probabilities"], axis=1))
    graph.output[0].name = "probabilities"
    for value in (graph.input[0], graph.output[0]):
        for axis in (2, 3):
            value.type.tensor_type.shape.dim[axis].dim_value = tile_size
    proto.ir_version = _FORMAT
    return proto


def _input(images: ImageSpec) -> str:
    """What the graph takes, in words."""
    bands = "RGB" if images.bands == COLOURS else ", ".join(images.bands)
    return f"{bands}, float32, {'0..1' if images.dtype == 'uint8' else f'values as in the {images.dtype} images'}"


def _metadata(model: Model, tile_size: int, resolution: float, overlap: float) -> dict[str, str]:
    """JSON by key: first what Deepness and geodeep read, then what informs people."""
    classes = model.classes
    content = {
        "model_type": "Segmentor",
        "class_names": {str(i): name for i, name in enumerate(classes.names)},
        "resolution": float(resolution),  # centimetres per pixel
        "tile_size": tile_size,
        "tiles_overlap": round(100 * overlap),  # per cent
        # Both clients set probabilities below the threshold to 0 and then choose the largest. With geodeep's default of
        # 0.5, pixels at which no class reaches that would become class 0. With 0, the most probable class wins.
        "seg_thresh": 0.0,
        # geodeep's default of 11 would drop all patches of fewer than (2 * 11)^2 pixels.
        "seg_small_segment": 0,
        "class_colours": {name: hex_colour(colour) for name, colour in classes.colours.items()},
        "network": str(model.architecture),
        "input": _input(model.images),
        **model.images.to_json(),  # mean and std, which the graph uses, are of pixels divided by 255 if dtype is uint8
        "output": "probability of each class, float32, 0..1",
        "scale": model.scale,  # working resolution over that of the training images
    }
    return {key: json.dumps(value, ensure_ascii=False) for key, value in content.items()}
