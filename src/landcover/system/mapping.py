"""Work on many items that threads of this process do, or other processes: what differs is who calls it."""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from landcover.system.parallel import parallel_map

Item = TypeVar("Item")
Result = TypeVar("Result")
_Item = TypeVar("_Item", contravariant=True)
_Result = TypeVar("_Result", covariant=True)


class Work(Protocol[_Item, _Result]):
    """What is done with each item. It can be pickled, and so can items and results."""

    @property
    def result_bytes(self) -> int:
        """Size of a large result; 0 if all are small."""

    def opened(self, threads: int) -> AbstractContextManager[Callable[[_Item], _Result]]:
        """Open what the work needs, such as files, once in each process.

        Args:
            threads: How many call the function at once.
        """

    def describe(self, item: _Item, /) -> str:
        """What stands for an item in messages."""


class Mapper(Protocol):
    """Does work on items: `map_in_threads`, or `scale.cluster_map` in other processes."""

    def __call__(self, work: Work[Item, Result], items: Sequence[Item], /) -> Generator[Result, None, None]:
        """Yield the results in the order of the items, with only a few in memory at a time.

        The first exception is raised when its item's result is due. Closing the generator ends the work.
        """


def map_in_threads(work: Work[Item, Result], items: Sequence[Item]) -> Generator[Result, None, None]:
    """Do the work on all cores: a `Mapper`, see `parallel_map`."""
    if items:
        workers = min(os.cpu_count() or 1, len(items))
        with work.opened(workers) as function:
            yield from parallel_map(function, items, workers)
