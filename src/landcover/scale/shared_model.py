"""A model that travels once to each worker, and the graph that its engine runs."""

import copy
import hashlib
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from distributed import Worker, WorkerPlugin, get_worker

from landcover.inference.engines import engine_for, engine_in_words, graph_of, take_graph
from landcover.inference.prediction import for_inference
from landcover.models.folding import fold_batch_norm
from landcover.models.model_file import Model, load_model, save_model
from landcover.scale import work
from landcover.scale.cluster import Cluster
from landcover.system.devices import choose_device
from landcover.system.errors import LandcoverError

KEPT = 2
"""Models that the workers keep; of further ones, the oldest is removed."""

_PREFIX, _GRAPH_PREFIX = "landcover-model-", "landcover-graph-"
_LOADED: dict[str, Model] = {}
_GRAPHS: dict[str, dict[str, bytes]] = {}  # by key of the model and engine, until the model takes it
_LOCK = threading.Lock()


class ModelFile(WorkerPlugin):
    """Brings the bytes of a model's file to each worker, also to those that join later."""

    def __init__(self, key: str, content: bytes) -> None:
        self.name = _PREFIX + key
        self._key = key
        self._content = content

    def setup(self, worker: Worker) -> None:
        """Write the file into the worker's own folder, which Dask removes when the worker ends; begin to load it."""
        path = _path(worker, self._key)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self._content)
        self._content = b""
        threading.Thread(target=_load_early, args=(self._key, path), daemon=True).start()

    def teardown(self, worker: Worker) -> None:
        """Remove the model."""
        _path(worker, self._key).unlink(missing_ok=True)
        _LOADED.pop(self._key, None)


class ModelGraph(WorkerPlugin):
    """Brings the graph that an engine runs to each worker, also to those that join later: none records its own."""

    def __init__(self, key: str, engine: str, graph: bytes) -> None:
        self.name = f"{_GRAPH_PREFIX}{key}-{engine}"
        self._key, self._engine, self._graph = key, engine, graph

    def setup(self, worker: Worker) -> None:
        """Keep it until the model is asked for."""
        _GRAPHS.setdefault(self._key, {})[self._engine] = self._graph
        self._graph = b""

    def teardown(self, worker: Worker) -> None:
        """Remove it."""
        _GRAPHS.pop(self._key, None)


def share_model(cluster: Cluster, model: Model) -> str:
    """Let all workers, also those that come later, have a model; return its key, the SHA-256 of its file.

    The workers keep the last `KEPT` models that were shared.

    Raises:
        LandcoverError: The model's file cannot be read.
    """
    content = _content(model)
    key = hashlib.sha256(content).hexdigest()
    if key in cluster.shared:
        return key
    cluster.client.register_plugin(ModelFile(key, content))
    cluster.shared.append(key)
    while len(cluster.shared) > KEPT:
        oldest = cluster.shared.pop(0)
        cluster.client.unregister_worker_plugin(_PREFIX + oldest)
        for engine in {engine for engine, _ in cluster.engines.pop(oldest, {}).values()} - {"torch"}:
            cluster.client.unregister_worker_plugin(f"{_GRAPH_PREFIX}{oldest}-{engine}")
    return key


def share_engine(cluster: Cluster, key: str, model: Model, asked: str) -> tuple[str, str]:
    """Choose the engine with which all workers label, and let them have the graph that it runs.

    Args:
        cluster: It has the model.
        key: Of the model, that `share_model` gave.
        model: On the CPU of this process.
        asked: One of `options.ENGINES`.

    Returns:
        The engine's name, not "auto", and the engine in words, see `engines.engine_in_words`.

    Raises:
        LandcoverError: See `engines.find_engine`.
    """
    found = cluster.engines.setdefault(key, {})
    if asked not in found:
        network = fold_batch_norm(copy.deepcopy(model.network))  # as the workers, and a single process, fold it
        name = engine_for(network, asked, cluster.device)
        if (graph := graph_of(network, name)) and name not in {other for other, _ in found.values()}:
            cluster.client.register_plugin(ModelGraph(key, name, graph))
        found[asked] = name, engine_in_words(network, name)
    return found[asked]


def shared_model(key: str) -> Model:
    """Return a model in a worker, ready for inference on the worker's device, by the key that `share_model` gave.

    All threads of the worker get the same one.

    Raises:
        LandcoverError: The worker has no such model or no such device.
    """
    model = _loaded(key, _path(get_worker(), key))
    for engine, graph in _GRAPHS.pop(key, {}).items():
        take_graph(model.network, engine, graph)
    return model


def _loaded(key: str, path: Path) -> Model:
    with _LOCK:
        if key not in _LOADED:
            if not path.is_file():
                raise LandcoverError(f"model {key[:12]}: no longer kept by the worker, which keeps the last {KEPT}.")
            model = _LOADED[key] = for_inference(load_model(path), choose_device(work.DEVICE))
            if not path.is_file():  # removed meanwhile
                _LOADED.pop(key, None)
            return model
        return _LOADED[key]


def _load_early(key: str, path: Path) -> None:
    """Load a model before it is needed."""
    with suppress(Exception):  # whoever needs it will see
        _loaded(key, path)


def _content(model: Model) -> bytes:
    if model.path is not None:
        try:
            return model.path.read_bytes()
        except OSError as error:
            raise LandcoverError(f"{model.path}: {error.strerror}. Check the path and its permissions.") from error
    with tempfile.TemporaryDirectory(prefix="landcover-") as folder:
        save_model(model, Path(folder) / "model.safetensors")
        return (Path(folder) / "model.safetensors").read_bytes()


def _path(worker: Worker, key: str) -> Path:
    return Path(worker.local_directory) / "landcover-models" / f"{key}.safetensors"
