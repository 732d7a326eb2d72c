"""Use all cores without holding more than a few results in memory."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from itertools import islice
from typing import TypeVar

from landcover.system.errors import LandcoverError

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in the order of the items, computed by `workers` threads.

    Threads suffice because the work is decoding and encoding images, for which Pillow releases the interpreter lock.
    At most twice as many results as workers are under way or waiting, so memory does not grow with the items. The
    first exception is raised in its item's turn; work not yet begun is then dropped.

    Args:
        workers: Number of threads; all cores by default.
    """
    workers = workers or os.cpu_count() or 1
    pending = deque()
    with ThreadPoolExecutor(workers) as pool:
        _start_threads(pool, workers)
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def grouped_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """As `parallel_map`, but nothing is under way while a result is used: for uses that take all cores themselves."""
    items = iter(items)
    while group := list(islice(items, 2 * (os.cpu_count() or 1))):
        yield from list(parallel_map(function, group))


def _start_threads(pool: ThreadPoolExecutor, count: int) -> None:
    """Start all threads now: where memory is short, one that starts later would fail in place of what fills it."""
    are_started = threading.Event()
    try:
        for _ in range(count):
            pool.submit(are_started.wait)
    finally:
        are_started.set()


def error_as_result(function: Callable[[Item], Result]) -> Callable[[Item], Result | LandcoverError]:
    """Return a `LandcoverError` instead of raising it, so that one bad file does not hide the next."""

    @wraps(function)
    def wrapped(item: Item) -> Result | LandcoverError:
        try:
            return function(item)
        except LandcoverError as error:
            return error

    return wrapped
