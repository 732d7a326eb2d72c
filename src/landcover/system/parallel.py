"""Map a function over items on all cores, with only a few results in memory at a time."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import wraps
from itertools import islice
from typing import TypeVar

from landcover.system.errors import LandcoverError

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each item, in the order of the items, computed by `workers` threads.

    Threads suffice because the work is decoding and encoding images, for which Pillow releases the interpreter lock.
    At most `2 * workers` results are being computed or waiting, so memory does not grow with the number of items. The
    first exception is raised when its item's result is due; items not yet started are then dropped. Closing the
    generator waits for those that are being computed. Threads work in the context of the caller, so that it gets their
    messages where it collects its own (`errors.collecting_messages`).

    Args:
        workers: Number of threads; all cores by default.
    """
    workers = workers or os.cpu_count() or 1
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        _start_threads(pool, workers)
        try:
            for item in items:
                pending.append(pool.submit(copy_context().run, function, item))
                if len(pending) >= 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def chunked_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the results of `parallel_map`, computed a chunk at a time.

    While the results of a chunk are consumed, no thread works on the next: for consumers that use all cores themselves.
    """
    items = iter(items)
    while chunk := list(islice(items, 2 * (os.cpu_count() or 1))):
        yield from list(parallel_map(function, chunk))


def _start_threads(pool: ThreadPoolExecutor, count: int) -> None:
    """Start all threads now: a thread that starts when memory is short would fail instead of what uses the memory."""
    are_started = threading.Event()
    try:
        for _ in range(count):
            pool.submit(are_started.wait)
    finally:
        are_started.set()


def error_as_result(function: Callable[[Item], Result]) -> Callable[[Item], Result | LandcoverError]:
    """Return a `LandcoverError` instead of raising it, so that one bad file does not hide the next.

    `Problems.successes` separates the results from the errors.
    """

    @wraps(function)
    def wrapped(item: Item) -> Result | LandcoverError:
        try:
            return function(item)
        except LandcoverError as error:
            return error

    return wrapped
