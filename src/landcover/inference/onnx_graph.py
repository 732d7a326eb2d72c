"""Networks as graphs of ONNX in memory, for the engines that compute on CPUs.

The graph is recorded while PyTorch computes the logits of a small image. That takes a third of a second; the exporter
behind `landcover export`, which analyses the code, takes ten, and minutes where sizes are free. Recorded are numbers
as well, so a network that derives some from the size of the image would be wrong at any other size: `engines` compares.
"""

import io
import warnings

import torch
from torch import Tensor, nn
from torch.nn import functional

from landcover.inference.options import ALIGNMENT
from landcover.models.networks import Network

MAX_BYTES = 2**31 - 2**24
"""Most bytes of weights: an ONNX file is a protobuf message, which may have 2 GiB; the rest is for the graph."""

_OPSET = 18  # version of ONNX's operators, the last that this exporter knows well

INPUT, OUTPUT = "image", "logits"

RECORDED = (64, 96)
"""Height and width of the image: different, and of several features at stride 32."""


class AlignedNetwork(nn.Module):
    """`Network.forward` without its padding: for images whose height and width all strides divide.

    In a graph, the padding would stay as a step that does nothing.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Logits float32 (N, C, H, W) of images float32 (N, B, H, W)."""
        image = (image - self.network.mean) / self.network.std
        logits: Tensor = self.network.decoder(image, self.network.backbone(image))
        return logits


def aligned(images: Tensor) -> Tensor:
    """Pad images (N, B, H, W) to the next multiples of `ALIGNMENT`, as `Network.forward` does; contiguous."""
    height, width = images.shape[-2:]
    right, below = -width % ALIGNMENT, -height % ALIGNMENT
    if right or below:
        images = functional.pad(images, (0, right, 0, below), mode="replicate")
    return images.contiguous()


def onnx_graph(network: Network) -> bytes:
    """Return the graph from images `INPUT`, float32 (N, B, H, W), H and W multiples of 32, to the logits `OUTPUT`.

    Args:
        network: On a CPU, in evaluation mode.

    Raises:
        ImportError: The package onnx is not installed.
        ValueError: The weights are too large.
    """
    import onnx  # noqa: F401 (the exporter needs it)

    if sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values()) > MAX_BYTES:
        raise ValueError("its weights take more than 2 GiB")
    graph, image = io.BytesIO(), torch.zeros(1, len(network.images.bands), *RECORDED)
    with warnings.catch_warnings(action="ignore"), torch.inference_mode():  # it calls itself the old exporter
        torch.onnx.export(
            AlignedNetwork(network).eval(),
            (image,),
            graph,  # type: ignore[arg-type]  # as documented where dynamo is off
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=_OPSET,
            dynamic_axes={INPUT: {0: "batch", 2: "height", 3: "width"}},
            dynamo=False,
        )
    return graph.getvalue()
