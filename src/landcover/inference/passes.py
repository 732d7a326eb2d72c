"""Passes of images through a network on all cores: side by side where the engine is parallel."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import torch

from landcover.inference.engines import Engine, Forward
from landcover.system.parallel import parallel_map

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_passes(
    engine: Engine, function: Callable[[Forward, Item], Result], items: Iterable[Item], *, is_single: bool = False
) -> Generator[Result, None, None]:
    """Yield `function(forward, item)` for each item, in order, computed by as many threads as PyTorch would use here.

    Where the engine is parallel, each item is computed by one thread: results then do not depend on their number.

    Args:
        engine: Gives `forward`.
        is_single: There is one item only, for which all threads compute together.
    """
    threads = torch.get_num_threads()
    if not engine.is_parallel:
        yield from map(partial(function, engine.forward(1, threads)), items)
    elif is_single or threads == 1:
        forward = engine.forward(1, threads)
        for item in items:
            with one_thread():
                result = function(forward, item)
            yield result
    else:
        forward = engine.forward(threads, 1)
        yield from in_threads(partial(function, forward), items, threads, 1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute with one thread: with several, even softmax is rounded by where their shares end."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def map_images(
    engine: Engine, function: Callable[[Item], Result], items: Iterable[Item], count: int
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order: several at once where the engine is parallel.

    Args:
        engine: With which `function` labels an image.
        count: Number of the items.
    """
    threads = torch.get_num_threads()
    together = min(threads, count)
    if together < 2 or not engine.is_parallel:
        return map(function, items)
    return in_threads(function, items, together, threads // together)


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], count: int, threads: int
) -> Generator[Result, None, None]:
    """Yield the results of `parallel_map` with `count` threads, in each of which PyTorch computes with `threads`."""
    own = torch.get_num_threads()

    def run(item: Item) -> Result:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)  # of this thread, and of those that are new
        return function(item)

    results = parallel_map(run, items, count)
    try:
        yield from results
    finally:
        results.close()
        torch.set_num_threads(own)  # for those that are new
