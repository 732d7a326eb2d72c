"""Batches that worker processes read ahead, with a time limit for each."""

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import active_children

from torch.utils.data import DataLoader

from landcover.system.errors import LandcoverError, reason
from landcover.system.interrupts import leave_interrupts_to_parent, restoring_handler
from landcover.training.batches import Batch, Batches

TIMEOUT = 600  # seconds per batch; a slow disk takes a few


def read_ahead(
    batches: Batches, keys: Iterable[tuple[int, int]], workers: int, *, pin_memory: bool, timeout: int = TIMEOUT
) -> Iterator[Batch]:
    """Yield the batch of each key.

    Args:
        keys: The (epoch, step) of each batch.
        workers: Number of worker processes; with 0 this process reads.
        pin_memory: Put the batches in pinned memory, from which copies to a GPU are fastest.
        timeout: Longest time to wait for a batch, in seconds.

    Raises:
        LandcoverError: A worker has died, or no batch has come in time.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=keys,
        num_workers=workers,
        worker_init_fn=leave_interrupts_to_parent,
        pin_memory=pin_memory,
    )
    with restoring_handler("SIGCHLD"):  # PyTorch's handler raises at any point of the program when a worker dies
        loaded = iter(loader)
    with _Watchdog(timeout if workers else math.inf) as watchdog:
        try:
            while True:
                with watchdog.waiting():
                    batch = next(loaded, None)
                if batch is None:
                    return
                yield batch
        except (RuntimeError, EOFError, ConnectionError) as error:
            again = "Run the same command again to go on from the last checkpoint."
            if watchdog.has_killed:
                raise LandcoverError(
                    f"`workers`: no batch has come for {timeout} seconds. Check that the disk responds and that no "
                    f"process was suspended. {again}"
                ) from error
            if isinstance(error, RuntimeError) and "DataLoader worker (pid" not in str(error):
                raise
            raise LandcoverError(
                f"`workers`: a process that reads batches ahead has died ({reason(error)}). If memory ran out, lower "
                f"`workers`. {again}"
            ) from error


class _Watchdog:
    """Kills the workers when a wait for them takes too long. PyTorch notices their death, which ends the wait.

    PyTorch's own timeout does not suffice: when a worker is suspended after it has announced a batch and before it has
    sent it, PyTorch waits without a limit; and during a wait with a timeout it does not notice workers that die.

    Args:
        timeout: In seconds.

    Attributes:
        has_killed: Whether it has killed the workers.
    """

    def __init__(self, timeout: float) -> None:
        self.has_killed = False
        self._timeout, self._is_waiting, self._waited, self._end = timeout, False, 0, threading.Event()

    def __enter__(self) -> "_Watchdog":
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Limit the time of the body."""
        self._waited, self._is_waiting = 0, True
        yield
        self._is_waiting = False

    def _watch(self) -> None:
        while not self._end.wait(1):  # counting seconds: a program suspended for hours (Ctrl-Z) has waited for one
            self._waited += self._is_waiting
            if self._waited > self._timeout:
                self.has_killed = True
                for worker in active_children():
                    worker.kill()
                return
