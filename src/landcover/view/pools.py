"""Open files for several threads: GDAL lets only one thread at a time use an open raster."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

READERS = 4
"""How often each file is open, and so how many tiles of it are read at the same time."""

Opened = TypeVar("Opened", covariant=True)


class Pool(Generic[Opened]):
    """Several openings of one file, each borrowed by one thread at a time. `pool` makes one.

    Attributes:
        first: The first of them, for use before any thread borrows.
    """

    def __init__(self, members: list[Opened]) -> None:
        self.first = members[0]
        self._free: SimpleQueue[Opened] = SimpleQueue()
        for member in members:
            self._free.put(member)

    @contextmanager
    def borrow(self) -> Iterator[Opened]:
        """Wait until one is free, and keep it for the body."""
        member = self._free.get()
        try:
            yield member
        finally:
            self._free.put(member)


@contextmanager
def pool(open_one: Callable[[], AbstractContextManager[Opened]]) -> Iterator[Pool[Opened]]:
    """Open a file `READERS` times; close it when no thread reads any more.

    The thread that calls this opens and closes, as `access.open_dataset` sets options of that thread.
    """
    with ExitStack() as stack:
        opened = Pool([stack.enter_context(open_one()) for _ in range(READERS)])
        try:
            yield opened
        finally:
            for _ in range(READERS):
                opened._free.get()
