"""Trained models as ONNX files, which run without this program: in onnxruntime, in QGIS (Deepness), in geodeep."""

import copy
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from landcover.classes.class_table import hex_colour
from landcover.models.model_file import Model
from landcover.system.errors import LandcoverError, requiring_extra
from landcover.system.files import replacing
from landcover.system.outputs import check_outputs

if TYPE_CHECKING:  # optional: only export_onnx needs it
    from onnx import ModelProto

OPSET = 18
"""Version of ONNX's operators."""

_FORMAT = 8  # of the file, the oldest with this opset: runtimes refuse files of formats newer than they know

MAX_BYTES = 2**31 - 2**24
"""Of the weights: protobuf, of which ONNX files are made, ends at 2 GiB. The rest is for the graph."""

_SMALL = (64, 96)  # to trace free sizes with: unlike, and at stride 32 still more than 1, which would be taken as fixed


def export_onnx(
    model: Model,
    path: Path | str,
    *,
    tile_size: int = 512,
    dynamic: bool = False,
    resolution: float = 10.0,
    overlap: float = 0.25,
) -> None:
    """Write a model as an ONNX file of opset `OPSET`; the same model gives the same bytes.

    Its input `image` is float32 (batch, 3, H, W), RGB in 0..1, at the model's working resolution; its output
    `probabilities` is float32 (batch, C, H, W), which add up to 1 over the classes `model.classes.names`. The batch is
    free. Its metadata are those that Deepness and geodeep read, and a few that tell people what it is; each value is
    JSON.

    Args:
        model: Stays as it is.
        path: The file; one that is there is replaced.
        tile_size: H and W, a multiple of 32.
        dynamic: Whether to leave H and W free. `tile_size` is then merely advice, and neither client can use the file.
        resolution: Centimetres of ground that a pixel covers at the model's working resolution.
        overlap: Share of a tile's side (0 <= overlap < 1) that clients let the next one cover too.

    Raises:
        LandcoverError: Packages are missing, the model is too large for a file of this kind, or `path` is the model's.
    """
    path = Path(path)
    check_outputs([model.path] if model.path else [], files=[path])
    with requiring_extra("ONNX files", "onnx"):
        import onnx
        import onnxscript  # noqa: F401 (torch.onnx needs it)
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.network.state_dict().values())
    if size > MAX_BYTES:
        raise LandcoverError(
            f"{path}: an ONNX file ends at 2 GiB, the weights of {model.architecture} take {size / 2**30:.1f}. "
            "Train a smaller network (train.context, train.backbone)."
        )
    proto = _translate(model, None if dynamic else tile_size)
    proto.doc_string = f"Land cover: {model.architecture}"
    onnx.helper.set_model_props(proto, _metadata(model, tile_size, resolution, overlap))
    onnx.checker.check_model(proto, full_check=True)
    with replacing(path) as scratch:
        scratch.write_bytes(proto.SerializeToString(deterministic=True))


class _Probabilities(nn.Module):
    """The network and softmax; `aligned` if only sizes will come that every stride divides."""

    def __init__(self, network: nn.Module, aligned: bool) -> None:
        super().__init__()
        self.network, self.aligned = network, aligned

    def forward(self, image: Tensor) -> Tensor:
        network = self.network
        if not self.aligned:
            return network(image).softmax(1)
        # What Network.forward does, less its padding, which would stay in the graph as a step that adds nothing.
        image = (image - network.mean) / network.std
        return network.decoder(image, network.backbone(image)).softmax(1)


def _translate(model: Model, tile_size: int | None) -> "ModelProto":
    """The network and softmax for tiles of a size or, with None, of any."""
    # Channels last, in which models are loaded, is a matter of memory alone but would leave its traces in the graph.
    network = copy.deepcopy(model.network).to("cpu", memory_format=torch.contiguous_format)
    module = _Probabilities(network, aligned=tile_size is not None).eval()
    axes = {0: "batch"} if tile_size else {0: "batch", 2: "height", 3: "width"}
    height, width = (tile_size, tile_size) if tile_size else _SMALL
    with warnings.catch_warnings(action="ignore"):  # about the exporter's own affairs
        program = torch.onnx.export(
            module,
            (torch.zeros(2, 3, height, width),),  # two: a batch of one would be taken as fixed
            input_names=["image"],
            output_names=["probabilities"],
            opset_version=OPSET,
            dynamic_shapes=(axes,),
            dynamo=True,
            verbose=False,
        )
    proto = program.model_proto
    proto.ir_version = _FORMAT
    graph = proto.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("metadata_props")  # stack traces, with the paths of this machine
    graph.ClearField("value_info")  # sizes of all in between, in formulas where they are free: runtimes infer them
    for axis, name in axes.items():
        graph.output[0].type.tensor_type.shape.dim[axis].dim_param = name
    return proto


def _metadata(model: Model, tile_size: int, resolution: float, overlap: float) -> dict[str, str]:
    """JSON by key: first what Deepness and geodeep read, then what tells people."""
    classes = model.classes
    content = {
        "model_type": "Segmentor",
        "class_names": {str(i): name for i, name in enumerate(classes.names)},
        "resolution": float(resolution),  # cm a pixel
        "tile_size": tile_size,
        "tiles_overlap": round(100 * overlap),  # per cent
        # Both clients set probabilities below the threshold to 0 and take the largest then: with geodeep's own 0.5, a
        # pixel of which no class is that sure would become class 0. With 0 the most probable class wins.
        "seg_thresh": 0.0,
        # geodeep's own 11 would give away all patches of less than (2 * 11)^2 pixels.
        "seg_small_segment": 0,
        "class_colours": {name: hex_colour(colour) for name, colour in classes.colours.items()},
        "network": str(model.architecture),
        "input": "RGB, float32, 0..1",
        "output": "probability of each class, float32, 0..1",
        "scale": model.scale,  # working resolution over that of the images it was trained on
    }
    return {key: json.dumps(value, ensure_ascii=False) for key, value in content.items()}
