"""One process from which the workers of this machine are forked: what all of them import is imported once.

Workers need PyTorch, timm, rasterio and Dask, seconds of work for each process. The server imports them while the
command does so itself.
"""

import os
import sys
from multiprocessing import forkserver, get_context

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
"""How worker processes begin: elsewhere, libraries do not survive a fork."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def start_fork_server() -> None:
    """Start the server, if workers are forked here and it is not running; it ends with this process."""
    if METHOD != "forkserver":
        return
    get_context(METHOD).set_forkserver_preload(["landcover.scale.forked"])
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)  # read once, when the libraries of threads are loaded
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
