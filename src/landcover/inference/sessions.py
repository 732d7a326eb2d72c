"""Exported networks run by onnxruntime and by OpenVINO, on CPUs."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from landcover.inference.onnx_graph import INPUT, OUTPUT

Run = Callable[[np.ndarray], np.ndarray]
"""From images float32 (N, B, H, W), contiguous, to logits float32 (N, C, H, W)."""


class Sessions(ABC):
    """Ways to run one graph.

    Args:
        graph: Of `onnx_graph.onnx_graph`.

    Raises:
        ImportError: The package is not installed.
    """

    def __init__(self, graph: bytes) -> None:
        self.graph = graph
        self._runs: dict[tuple[int, int], Run] = {}
        self._lock = threading.Lock()

    def run(self, together: int, threads: int) -> Run:
        """What runs the graph; made when it is first asked for.

        Args:
            together: How many threads call it at once, at most.
            threads: With which each call computes.
        """
        with self._lock:
            if (together, threads) not in self._runs:
                self._runs[together, threads] = self._opened(together, threads)
            return self._runs[together, threads]

    @abstractmethod
    def _opened(self, together: int, threads: int) -> Run:
        """Open a session."""


class OnnxRuntimeSessions(Sessions):
    """Of onnxruntime. Its logits were the same bits with 1 to 16 threads, and in any batch."""

    def __init__(self, graph: bytes) -> None:
        import onnxruntime

        super().__init__(graph)
        self._package: Any = onnxruntime

    def _opened(self, together: int, threads: int) -> Run:
        options = self._package.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other programs can use the cores
        options.log_severity_level = 4  # what is wrong is raised as well
        session = self._package.InferenceSession(self.graph, options, providers=["CPUExecutionProvider"])

        def run(images: np.ndarray) -> np.ndarray:
            logits: np.ndarray = session.run([OUTPUT], {INPUT: images})[0]
            return logits

        return run


class OpenVinoSessions(Sessions):
    """Of OpenVINO."""

    def __init__(self, graph: bytes) -> None:
        import openvino

        super().__init__(graph)
        self._package: Any = openvino

    def _opened(self, together: int, threads: int) -> Run:
        core = self._package.Core()
        settings = {
            "NUM_STREAMS": together,
            "INFERENCE_NUM_THREADS": together * threads,
            "INFERENCE_PRECISION_HINT": "f32",  # else processors that can compute in bf16 do
        }
        compiled = core.compile_model(core.read_model(self.graph), "CPU", settings)
        requests = threading.local()
        return partial(_infer, compiled, requests)


def _infer(compiled: Any, requests: threading.local, images: np.ndarray) -> np.ndarray:
    """Run a compiled model by this thread's own request."""
    if not hasattr(requests, "own"):
        requests.own = compiled.create_infer_request()
    logits: np.ndarray = requests.own.infer({0: images})[0].copy()  # the request uses the memory again
    return logits
