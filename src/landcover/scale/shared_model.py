"""A model that travels once to each worker."""

import hashlib
import tempfile
import threading
from pathlib import Path

from distributed import Worker, WorkerPlugin, get_worker

from landcover.inference.prediction import for_inference
from landcover.models.model_file import Model, load_model, save_model
from landcover.scale import work
from landcover.scale.cluster import Cluster
from landcover.system.devices import choose_device
from landcover.system.errors import LandcoverError

KEPT = 2
"""Models that the workers keep; of further ones, the oldest is removed."""

_PREFIX = "landcover-model-"
_LOADED: dict[str, Model] = {}
_LOCK = threading.Lock()


class ModelFile(WorkerPlugin):
    """Brings the bytes of a model's file to each worker, also to those that join later."""

    def __init__(self, key: str, content: bytes) -> None:
        self.name = _PREFIX + key
        self._key = key
        self._content = content

    def setup(self, worker: Worker) -> None:
        """Write the file into the worker's own folder, which Dask removes when the worker ends."""
        path = _path(worker, self._key)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self._content)
        self._content = b""

    def teardown(self, worker: Worker) -> None:
        """Remove the model."""
        _path(worker, self._key).unlink(missing_ok=True)
        _LOADED.pop(self._key, None)


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
        cluster.client.unregister_worker_plugin(_PREFIX + cluster.shared.pop(0))
    return key


def shared_model(key: str) -> Model:
    """Return a model in a worker, ready for inference on the worker's device, by the key that `share_model` gave.

    All threads of the worker get the same one.

    Raises:
        LandcoverError: The worker has no such model or no such device.
    """
    with _LOCK:
        if key not in _LOADED:
            path = _path(get_worker(), key)
            if not path.is_file():
                raise LandcoverError(f"model {key[:12]}: no longer kept by the worker, which keeps the last {KEPT}.")
            _LOADED[key] = for_inference(load_model(path), choose_device(work.DEVICE))
        return _LOADED[key]


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
