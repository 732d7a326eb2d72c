"""Batches that other processes read ahead, and an end to the wait for them."""

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import active_children

from torch.utils.data import DataLoader

from landcover.system.errors import LandcoverError, reason
from landcover.system.interrupts import leave_interrupts_to_parent, restoring_handler
from landcover.training.batches import Batch, Batches

PATIENCE = 600  # seconds for a batch, which a slow disk gives in a few


def read_ahead(
    batches: Batches, keys: Iterable[tuple[int, int]], workers: int, *, pin_memory: bool, patience: int = PATIENCE
) -> Iterator[Batch]:
    """Yield the batch of each key.

    Args:
        keys: Of `batches`, each (epoch, step).
        workers: Processes that read; with 0 this one does it.
        pin_memory: Let the batches lie where a GPU copies them from fastest.
        patience: Seconds after which a batch that has not come is given up.

    Raises:
        LandcoverError: A process that reads has died, or no batch comes.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=keys,
        num_workers=workers,
        worker_init_fn=leave_interrupts_to_parent,
        pin_memory=pin_memory,
    )
    with restoring_handler("SIGCHLD"):  # when a reader dies, PyTorch's raises wherever the program is just then
        loaded = iter(loader)
    with _Watch(patience if workers else math.inf) as watch:
        try:
            while True:
                with watch.waiting():
                    batch = next(loaded, None)
                if batch is None:
                    return
                yield batch
        except (RuntimeError, EOFError, ConnectionError) as error:
            again = "Run the same command again to go on from the last checkpoint."
            if watch.has_killed:
                raise LandcoverError(
                    f"train.workers: no batch has come for {patience} seconds. Look whether the disk answers and "
                    f"whether a process was stopped. {again}"
                ) from error
            if isinstance(error, RuntimeError) and "DataLoader worker (pid" not in str(error):
                raise
            raise LandcoverError(
                f"train.workers: a process that reads batches ahead has died ({reason(error)}). If memory ran out, "
                f"lower train.workers. {again}"
            ) from error


class _Watch:
    """Kills the readers when a wait for them takes too long, which ends it: PyTorch notices those that are dead.

    A timeout of PyTorch's would not do: of a reader that was stopped between a batch's announcement and the batch it
    waits for the rest without one; and while it counts, it does not look for the dead.

    Args:
        patience: In seconds.

    Attributes:
        has_killed: Whether it has come to that.
    """

    def __init__(self, patience: float) -> None:
        self.has_killed = False
        self._patience, self._is_waiting, self._waited, self._over = patience, False, 0, threading.Event()

    def __enter__(self) -> "_Watch":
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Watch over the body."""
        self._waited, self._is_waiting = 0, True
        yield
        self._is_waiting = False

    def _watch(self) -> None:
        while not self._over.wait(1):  # counted so, hours for which the whole program was stopped (Ctrl-Z) are a second
            self._waited += self._is_waiting
            if self._waited > self._patience:
                self.has_killed = True
                for reader in active_children():
                    reader.kill()
                return
