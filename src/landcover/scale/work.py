"""What a worker does with the items that it is given, and how it is set up. Imported by every worker."""

import asyncio
import logging
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin

from landcover.system.errors import LandcoverError, is_out_of_memory, one_line_message, reason
from landcover.system.memory import give_memory_back, keep_memory

DEVICE = "auto"
"""Of `devices.DEVICES`: where the networks of this worker run. `SetUp` sets it."""

PROGRESS = "landcover-progress"
"""Topic of Dask's events with what `report` tells."""

_THREAD = threading.local()
_UNDER_WAY = set[str]()  # keys of tasks
_STOPPED = set[str]()  # prefixes of keys of tasks for which nobody waits any more
_STOP_TICK = 0.05  # seconds between two looks at what is still under way


@dataclass(frozen=True)
class Failure:
    """What an item's function raised, as lines of text: an exception itself may not survive the journey."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """What became of a task's items.

    Attributes:
        results: Of the first items of the task: what the function returned, or a Failure.
        seconds: That these took together.
        worker: The address of the worker.
    """

    results: list[Any]
    seconds: float
    worker: str


def work(function: Callable[[Any], Any], items: Sequence[Any], budget: float, key: str) -> Done:
    """Apply a function to items one after the other, to at least one and until `budget` seconds have passed.

    Args:
        function: Of an item.
        items: At least one.
        budget: Seconds.
        key: By which the client knows this task.
    """
    import torch
    from distributed import get_worker

    _THREAD.key = key
    _UNDER_WAY.add(key)
    if not getattr(_THREAD, "is_ready", False):
        torch.set_num_threads(1)  # holds for the calling thread, and rounding depends on it
        _THREAD.is_ready = True
    results: list[Any] = []
    start = time.monotonic()
    try:
        for item in items:
            try:
                results.append(function(item))
            except (Exception, SystemExit) as error:
                results.append(Failure(_lines(error)))
            if time.monotonic() - start > budget or _is_stopped(key):
                break
    finally:
        _UNDER_WAY.discard(key)
    return Done(results, time.monotonic() - start, get_worker().address)


def report(news: Any) -> None:
    """Tell the client, from within the function of `Cluster.map`, how far an item is: it is neither stuck nor lost.

    Args:
        news: Plain values, few: for the argument `on_report` of `Cluster.map`.

    Raises:
        StoppedError: Nobody waits for the item any more.
    """
    from distributed import get_worker

    if _is_stopped(_THREAD.key):
        raise StoppedError
    get_worker().log_event(PROGRESS, {"key": _THREAD.key, "news": news})


async def stop(prefix: str, seconds: float) -> None:
    """End tasks for which nobody waits any more, where they report next, and wait until they have ended.

    Args:
        prefix: Of their keys.
        seconds: To wait at most.
    """
    _STOPPED.add(prefix)
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(key.startswith(prefix) for key in list(_UNDER_WAY)):
        await asyncio.sleep(_STOP_TICK)


class StoppedError(Exception):
    """Ends work for which nobody waits any more; it removes what is not complete."""


def _is_stopped(key: str) -> bool:
    return any(key.startswith(prefix) for prefix in list(_STOPPED))


def _lines(error: BaseException) -> tuple[str, ...]:
    """The lines that tell a user what went wrong."""
    if isinstance(error, LandcoverError):
        return error.lines
    if is_out_of_memory(error):
        traceback.clear_frames(error.__traceback__)  # else they keep what they allocated
        give_memory_back()
    if message := one_line_message(error):
        return (message,)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return (f"{type(error).__name__}: {reason(error)} ({Path(frame.filename).name}, line {frame.lineno})",)


class SetUp(WorkerPlugin):
    """Sets up each worker of the cluster, also those that join later.

    Args:
        device: Of `devices.DEVICES`: where networks run.
        is_local: The worker is a child of the user's process: Ctrl-C and messages are left to that.
    """

    name = "landcover"

    def __init__(self, device: str, is_local: bool) -> None:
        self.device = device
        self.is_local = is_local

    def setup(self, worker: Worker) -> None:
        """Prepare this process."""
        import torch

        from landcover.rasters.access import skip_services
        from landcover.system.devices import make_repeatable

        global DEVICE
        DEVICE = self.device
        if self.is_local:
            with suppress(ValueError):  # not the main thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            for name in ("distributed", "tornado", "asyncio"):
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        if parent_process() is not None and not sys.warnoptions:  # a process of its own: as in `one_line_errors`
            warnings.simplefilter("ignore")
        keep_memory()
        skip_services()
        torch.set_num_threads(1)
        make_repeatable()
        # Freed memory is kept: a worker that pauses until it shrinks would pause for ever.
        memory = worker.memory_manager
        memory.memory_target_fraction = memory.memory_spill_fraction = memory.memory_pause_fraction = False
