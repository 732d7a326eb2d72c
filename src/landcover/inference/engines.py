"""What computes logits: PyTorch, or an engine made for inference on CPUs. Chosen by rule, see `options.ENGINES`."""

import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from landcover.inference.int8_graph import check_int8_graph
from landcover.inference.onnx_graph import RECORDED, aligned, onnx_graph
from landcover.inference.options import ALIGNMENT
from landcover.inference.sessions import OnnxRuntimeSessions, OpenVinoSessions, Run, Sessions
from landcover.models.networks import Network
from landcover.system.devices import choose_device
from landcover.system.errors import LandcoverError, is_out_of_memory, reason

Forward = Callable[[Tensor], Tensor]
"""From images float32 (N, B, H, W) to logits float32 (N, C, H, W)."""

_SESSIONS: dict[str, type[Sessions]] = {"onnxruntime": OnnxRuntimeSessions, "openvino": OpenVinoSessions}
_INT8 = ("onnxruntime",)
"""The engines that run graphs of 8-bit integers; the others compute with the float weights."""

_TOLERANCE = 1e-3  # of the range of the logits; where a graph is right, they differ by 1e-6 of it
_INT8_TOLERANCE = 0.25  # of the standard deviation of the logits, for the mean of the differences


class Engine(Protocol):
    """What computes the logits of a network.

    Attributes:
        name: One of `options.ENGINES` but `auto`.
        is_parallel: Whether several images, each computed by one thread, take less time than one by all threads.
        is_int8: Whether it computes with integers of 8 bits.
    """

    name: str
    is_parallel: bool
    is_int8: bool

    def forward(self, together: int, threads: int) -> Forward:
        """The network.

        Args:
            together: How many threads call it at once, at most.
            threads: With which each call computes.
        """


class TorchEngine:
    """PyTorch, on the device of the network."""

    name = "torch"
    is_parallel = False
    is_int8 = False

    def __init__(self, network: Network) -> None:
        self._network = network

    def forward(self, together: int, threads: int) -> Forward:
        """The network itself, which computes with the threads of PyTorch."""
        return self._network


class ExportedEngine:
    """An engine that runs the exported network: its graph of 8-bit integers if it has one and this engine runs it.

    Args:
        name: One of `_SESSIONS`.
        network: On a CPU, in evaluation mode.
        graph: Of the network, as another process has recorded and compared it; None: this one does so.

    Attributes:
        graph: What it runs, see `onnx_graph.onnx_graph`.

    Raises:
        ImportError: The package `name`, or onnx, is not installed.
        ValueError: The network cannot be exported, or the engine does not compute what PyTorch does.
    """

    is_parallel = True

    def __init__(self, name: str, network: Network, graph: bytes | None = None) -> None:
        self.name = name
        self.is_int8 = name in _INT8 and network.int8 is not None
        try:
            self.graph = graph or self._made_graph(network)
            self._sessions = _SESSIONS[name](self.graph)
            if not graph:
                self._check(network)
        except ImportError:
            raise
        except Exception as error:  # of many kinds
            if is_out_of_memory(error):
                raise MemoryError(str(error)) from error
            raise ValueError(reason(error)) from error

    def forward(self, together: int, threads: int) -> Forward:
        """The exported network, which takes images of any size, as the network does."""
        run = self._sessions.run(together, threads)
        return lambda images: _padded(run, images)

    def _made_graph(self, network: Network) -> bytes:
        if not self.is_int8 or not network.int8:
            return onnx_graph(network)
        with torch.inference_mode():
            classes = network(torch.zeros(1, len(network.images.bands), ALIGNMENT, ALIGNMENT)).shape[1]
        check_int8_graph(network.int8.graph, len(network.images.bands), classes)
        return network.int8.graph

    def _check(self, network: Network) -> None:
        """Compare logits with PyTorch's at another size than that of which the graph was recorded."""
        generator = torch.Generator().manual_seed(0)
        height, width = RECORDED
        noise = torch.randn(1, len(network.images.bands), width + ALIGNMENT, height, generator=generator)
        with torch.inference_mode():
            image = network.mean + noise * network.std
            expected, logits = network(image), self.forward(1, 1)(image)
        differences = (logits - expected).abs()
        if self.is_int8:
            is_right = differences.mean() <= _INT8_TOLERANCE * expected.std()
        else:
            is_right = differences.max() <= _TOLERANCE * (expected.max() - expected.min())
        if not expected.isfinite().all() or not is_right:
            raise ValueError("its logits would not be those of PyTorch")


def _padded(run: Run, images: Tensor) -> Tensor:
    """Run a graph that takes multiples of `ALIGNMENT` on images of any size, padded as `Network.forward` does."""
    height, width = images.shape[-2:]
    try:
        logits = run(aligned(images).numpy())
    except Exception as error:  # of the engine's own kinds
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise
    return torch.from_numpy(logits)[..., :height, :width]


def find_engine(network: Network, name: str) -> Engine:
    """Return the engine `name`, one of `options.ENGINES`, for a network; made when it is first asked for.

    Args:
        network: In evaluation mode. If its weights change, the next call makes another engine.
        name: For "auto", only the network, its device and the packages installed decide.

    Raises:
        LandcoverError: An engine was asked for by its name that is not installed, or cannot run the network.
    """
    device = next(network.parameters()).device.type
    if name == "torch" or (name == "auto" and device != "cpu"):
        return TorchEngine(network)
    if device != "cpu":
        raise LandcoverError(
            f"engine = {name}: it computes on CPUs only, but the network is on {device}. Set engine to torch, or "
            "device to cpu."
        )
    found = _of_cpus(network, "onnxruntime" if name == "auto" else name)
    if isinstance(found, ExportedEngine):
        return found
    if isinstance(found, ValueError) and network.int8 and name in ("auto", *_INT8):
        raise LandcoverError(
            f"the model's graph of 8-bit integers cannot be used ({found}). Quantise the model again (landcover "
            "quantize), or set engine to torch."
        ) from found
    if name == "auto":
        return TorchEngine(network)
    if isinstance(found, ImportError):
        package = found.name or name
        raise LandcoverError(
            f"engine = {name}: the package {package} is not installed. Install it (pip install {package}), or set "
            "engine to auto."
        ) from found
    raise LandcoverError(
        f"engine = {name}: {network.architecture} cannot be run by it ({found}). Set engine to auto."
    ) from found


def graph_of(network: Network, name: str) -> bytes | None:
    """The graph that the engine `name` runs for a network; None if it runs none. Raises as `find_engine` does."""
    engine = find_engine(network, name)
    return engine.graph if isinstance(engine, ExportedEngine) else None


def take_graph(network: Network, name: str, graph: bytes) -> None:
    """Let the engine `name` run a graph for a network that another process has made of it by `graph_of`."""
    with _LOCK:
        kept = _kept(network)
        if not isinstance(kept.get(name), ExportedEngine):
            kept[name] = ExportedEngine(name, network, graph)


def engine_in_words(network: Network, name: str) -> str:
    """The engine that `find_engine` returns, with its version: for records."""
    engine = find_engine(network, name)
    return f"{engine.name} {version(engine.name)}{', int8' if engine.is_int8 else ''}"


def engine_for(network: Network, name: str, device: str) -> str:
    """The engine with which workers are to label, all of them the same: never "auto".

    Args:
        network: On the CPU of this process, which has the same packages as the workers.
        name: One of `options.ENGINES`.
        device: Of `devices.DEVICES`: where the networks of the workers run; "auto" as on this machine.

    Raises:
        LandcoverError: See `find_engine`.
    """
    computes_here = device == "cpu" or (device == "auto" and choose_device(device).type == "cpu")
    return find_engine(network, name).name if computes_here or name != "auto" else "torch"


_FOUND: WeakKeyDictionary[Network, dict[str, Any]] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _of_cpus(network: Network, name: str) -> ExportedEngine | ImportError | ValueError:
    """The engine for a network on a CPU, or why there is none; kept until the network changes."""
    with _LOCK:
        kept = _kept(network)
        if name not in kept:
            try:
                kept[name] = ExportedEngine(name, network)
            except (ImportError, ValueError) as error:
                if is_out_of_memory(error):
                    raise
                kept[name] = error.with_traceback(None)
        found: ExportedEngine | ImportError | ValueError = kept[name]
        return found


def _kept(network: Network) -> dict[str, Any]:
    """What is kept of a network whose weights have not changed: its engines by name."""
    tensors = [*network.parameters(), *network.buffers()]
    state = [(tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in tensors]
    state.append((id(network.int8), 0))
    kept = _FOUND.get(network)
    if kept is None or kept["state"] != state:
        kept = _FOUND[network] = {"state": state}
    return kept
