"""Work of the library done by the workers of a cluster: a `mapping.Mapper`."""

import atexit
import os
import pickle
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from landcover.scale.cluster import Cluster
from landcover.system.errors import LandcoverError, collecting_messages, tell
from landcover.system.mapping import Work

Item = TypeVar("Item")
Result = TypeVar("Result")

_HELD_BYTES = 1 << 28
"""Of results that wait in the client for an earlier one."""


@dataclass(frozen=True)
class ClusterMap:
    """Does work on items on a cluster.

    Workers see the same files as this process under the same absolute paths: relative ones start where those of this
    process do.

    Attributes:
        cluster: The cluster.
    """

    cluster: Cluster

    def __call__(self, work: Work[Item, Result], items: Sequence[Item]) -> Generator[Result, None, None]:
        """See `mapping.Mapper`. Notes and warnings of workers are printed here, equal ones once.

        Raises:
            LandcoverError: Of the work; where another machine raised it, with its name. Or an item failed too often.
        """
        job, told = _Job(pickle.dumps(work), Path.cwd()), set[str]()
        tasks = (_Task(job, item, work.describe(item)) for item in items)
        held = max(1, _HELD_BYTES // max(1, work.result_bytes))
        with closing(self.cluster.map(compute, tasks, str, ordered=True, most_held=held)) as results:
            for _, done in results:
                if isinstance(done, LandcoverError):
                    raise done
                for line in done.messages:
                    if line not in told:
                        told.add(line)
                        tell(line)
                result = _naming(done.result, done.host)
                if done.is_raised:
                    raise result
                yield result


@dataclass(frozen=True)
class _Job:
    """Work that has begun.

    Attributes:
        work: A pickled `mapping.Work`.
        folder: Where relative paths start.
        key: Not that of any other.
    """

    work: bytes
    folder: Path
    key: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class _Task:
    """An item, and what stands for it in messages."""

    job: _Job
    item: Any
    description: str

    def __str__(self) -> str:
        return self.description


@dataclass(frozen=True)
class _Done:
    """What a worker made of an item.

    Attributes:
        result: Or the error that the work raised.
        is_raised: Whether it is that.
        host: Name of the worker's machine.
        messages: Notes and warnings.
    """

    result: Any
    is_raised: bool
    host: str
    messages: list[str]


def _naming(result: Any, host: str) -> Any:
    """An error with the name of its machine, if that is not this one: what is wrong may be wrong only there."""
    if host == socket.gethostname() or not isinstance(result, LandcoverError):
        return result
    return LandcoverError(*(f"worker on {host}: {line}" for line in result.lines))


def compute(task: _Task) -> _Done:
    """Do the work on an item, in a worker."""
    with collecting_messages() as messages:
        try:
            result, is_raised = _HELD.function(task.job)(task.item), False
        except LandcoverError as error:  # the same on all workers: another one need not try
            result, is_raised = error, True
    return _Done(result, is_raised, socket.gethostname(), messages)


class _Held(threading.local):
    """The work that this thread has open, until it gets other work: opening it may take long."""

    def __init__(self) -> None:
        self._key, self._stack = "", ExitStack()
        self._function: Callable[[Any], Any] | None = None
        atexit.register(self._close)

    def function(self, job: _Job) -> Callable[[Any], Any]:
        """The function of some work.

        Raises:
            LandcoverError: It cannot be opened here.
        """
        if self._function is None or job.key != self._key:
            self._close()
            _enter(job.folder)
            with collecting_messages():  # the client has opened it, too, and has said what is to be said
                work = pickle.loads(job.work)
                self._function = self._stack.enter_context(work.opened(1))
            self._key = job.key
        return self._function

    def _close(self) -> None:
        self._function = None
        with suppress(Exception):  # while the process ends, libraries may have ended
            self._stack.close()


def _enter(folder: Path) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise LandcoverError(
            f"{folder}: cannot be entered by a worker ({error.strerror}). Let all workers see the same files under the "
            "same paths."
        ) from error


_HELD = _Held()
