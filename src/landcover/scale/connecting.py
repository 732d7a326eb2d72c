"""Starting workers on this machine, and connecting to a scheduler elsewhere."""

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client, Nanny, Scheduler, SpecCluster
from distributed.system import MEMORY_LIMIT

from landcover._version import __version__
from landcover.scale.fork_server import METHOD, start_fork_server
from landcover.scale.tasks import ATTEMPTS
from landcover.scale.work import SetUp
from landcover.system.devices import choose_device
from landcover.system.errors import LandcoverError, note, reason

_SCHEDULER_SECONDS = 30.0  # to wait for the scheduler
_WORKER_SECONDS = 120.0  # to wait for the first worker, or for local ones to start
_LOGGERS = ("distributed", "tornado", "asyncio", "bokeh")


@contextmanager
def local_workers(count: int, device: str) -> Iterator[Client]:
    """Start `count` processes with one thread each; or, where networks run on GPUs, up to one for each GPU."""
    environments = _environments(count, device)
    memory = MEMORY_LIMIT // len(environments)
    shared = {"host": "127.0.0.1", "dashboard": False}
    options = {**shared, "nthreads": 1, "memory_limit": memory, "silence_logs": logging.CRITICAL}
    workers = {i: {"cls": Nanny, "options": {**options, "env": env}} for i, env in enumerate(environments)}
    scheduler = {
        "cls": Scheduler,
        "options": {"host": "127.0.0.1", "dashboard": True, "dashboard_address": "127.0.0.1:0"},
    }
    start_fork_server()
    settings = {
        "distributed.worker.multiprocessing-method": METHOD,
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": ATTEMPTS - 1,  # else it starts a task again before we can say no
        # By default each process wakes up fifty times a second to see whether it is awake, and profiles what it does.
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "5s",
        "distributed.worker.profile.enabled": False,
        "distributed.admin.low-level-log-length": 1000,
        "distributed.admin.log-length": 1000,
        "distributed.comm.timeouts.connect": f"{_WORKER_SECONDS}s",
    }
    with quiet_loggers(), dask.config.set(settings):
        try:
            cluster = SpecCluster(workers=workers, scheduler=scheduler, silence_logs=logging.CRITICAL)
        except (OSError, RuntimeError, TimeoutError) as error:
            raise LandcoverError(f"workers cannot be started on this machine: {reason(error)}.") from error
        with cluster, Client(cluster) as client:
            yield client


@contextmanager
def elsewhere(scheduler: str) -> Iterator[Client]:
    """Connect to a scheduler by its address or the path of its scheduler file, and wait for its first worker."""
    address = scheduler if "://" in scheduler else _address_in(Path(scheduler))
    with quiet_loggers():
        try:
            client = Client(address, timeout=_SCHEDULER_SECONDS)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            raise LandcoverError(
                f"{scheduler}: no Dask scheduler answers there. Start one (dask scheduler), or correct the address."
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=_WORKER_SECONDS)
            except TimeoutError as error:
                raise LandcoverError(
                    f"{scheduler}: the scheduler has no workers, and none came within {_WORKER_SECONDS:.0f} seconds. "
                    "Start some (dask worker)."
                ) from error
            _check_versions(client)
            yield client


def set_up(client: Client, device: str, is_local: bool) -> None:
    """Set up all workers, also those that join later."""
    client.register_plugin(SetUp(device, is_local))


def host(worker: str) -> str:
    """The host in a worker's address."""
    return urlsplit(worker).hostname or worker


@contextmanager
def quiet_loggers() -> Iterator[None]:
    """Keep to itself what Dask says about workers that come and go, within the body."""
    names = [
        name for name in logging.root.manager.loggerDict if name.startswith("distributed.")
    ]  # some print themselves
    loggers = [logging.getLogger(name) for name in (*_LOGGERS, *names)]
    before = [(logger, logger.propagate, logger.handlers[:]) for logger in loggers]
    for logger in loggers:
        logger.propagate, logger.handlers = False, [logging.NullHandler()]
    try:
        yield
    finally:
        for logger, propagate, handlers in before:
            logger.propagate, logger.handlers = propagate, handlers


def _environments(count: int, device: str) -> list[dict[str, str]]:
    """The variables of each process: one GPU each."""
    if choose_device(device).type != "cuda":
        return [{} for _ in range(count)]
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(i) for i in range(torch.cuda.device_count())]
    if count > len(names):
        note(f"{len(names)} workers instead of {count}: one for each GPU")
    return [{"CUDA_VISIBLE_DEVICES": name} for name in names[:count]]


def _address_in(path: Path) -> str:
    """The address in a scheduler file."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["address"])
    except FileNotFoundError as error:
        raise LandcoverError(
            f"{path}: no such scheduler file. Start the scheduler with --scheduler-file, or give its address, such as "
            f"tcp://{socket.gethostname()}:8786."
        ) from error
    except OSError as error:
        raise LandcoverError(f"{path}: {error.strerror}. Check the path and its permissions.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise LandcoverError(f"{path}: not a scheduler file. Start the scheduler again to write it.") from error


def _check_versions(client: Client) -> None:
    """Refuse workers that would compute something else."""

    def versions() -> dict[str, str]:  # within a function: so it travels by its code, and the worker need not have it
        from importlib import import_module
        from importlib.metadata import PackageNotFoundError

        found = {"landcover": import_module("landcover._version").__version__, "torch": version("torch")}
        try:
            return found | {"onnxruntime": version("onnxruntime")}
        except PackageNotFoundError:
            return found | {"onnxruntime": "not installed"}

    ours = versions() | {"landcover": __version__}
    found: dict[str, Any] = client.run(versions, on_error="return")
    for worker, theirs in sorted(found.items()):
        if isinstance(theirs, ModuleNotFoundError):
            raise LandcoverError(
                f"the worker on {host(worker)} has no package {theirs.name}. Install there what is installed here."
            )
        if isinstance(theirs, BaseException):
            raise LandcoverError(f"the worker on {host(worker)} cannot be used: {reason(theirs)}.")
        for package, number in ours.items():
            if theirs[package] != number:
                raise LandcoverError(
                    f"the worker on {host(worker)} has {package} {theirs[package]}, but here it is {number}. Install "
                    "the same version on both."
                )
