"""A Dask cluster, local or anywhere, and a map over many items that survives the loss of workers."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from distributed import Client

from landcover.scale.connecting import elsewhere, host, local_workers, set_up
from landcover.scale.dispatch import HELD, Dispatch
from landcover.scale.options import ScaleOptions
from landcover.scale.tasks import ATTEMPTS
from landcover.scale.work import PROGRESS
from landcover.system.errors import LandcoverError, note, warn

__all__ = ["ATTEMPTS", "Cluster", "connected"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Cluster:
    """A scheduler with workers, to which this process is connected. `connected` opens one.

    Attributes:
        client: Connected.
        is_local: The workers are processes that this one has started.
        device: Of `devices.DEVICES`: where their networks run.
        retries: How often an item was given to a worker again.
        lost_workers: Workers that ended before they were told to.
        shared: Keys of the models that the workers have, the oldest first.
        engines: By these keys and the engine that was asked for, that with which they label, and it in words.
    """

    client: Client
    is_local: bool = False
    device: str = "auto"
    retries: int = 0
    lost_workers: int = 0
    shared: list[str] = field(default_factory=list)
    engines: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.listeners: list[SimpleQueue[tuple[Any, ...]]] = []
        self._out_of_memory: set[str] = set()
        self.client.subscribe_topic("worker-restart-memory", self._on_memory)
        self.client.subscribe_topic("all", self._on_event)
        self.client.subscribe_topic(PROGRESS, self._on_report)

    def threads(self) -> int:
        """Number of items that the workers can work on at once, at least 1."""
        threads: dict[str, int] = self.client.nthreads()
        return max(1, sum(threads.values()))

    def map(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        describe: Callable[[Item], str],
        *,
        ordered: bool = False,
        most_held: int = HELD,
        divide: Callable[[Item], Sequence[Item]] | None = None,
        on_report: Callable[[Any], None] | None = None,
    ) -> Generator[tuple[Item, Result | LandcoverError], None, None]:
        """Yield each item with `function(item)`, computed by the workers.

        As many items are on their way as keep the workers busy: memory of this process does not grow with their number.
        An item is tried `ATTEMPTS` times in all. When the generator is closed, nothing new is begun, and what is under
        way ends after its item, or where its function calls `work.report`.

        Args:
            function: A function of a module that workers can import.
            items: Small, to be pickled; the results should be small, too.
            describe: What stands for an item in messages, such as "scene.tif, pixels 0 to 4095 of rows 4096 to 8191".
            ordered: Yield in the order of the items, rather than as they are done.
            most_held: Number of results that may wait for an earlier one.
            divide: Returns the smaller items that take the place of one that failed twice, each with attempts of its
                own; the item itself if it cannot be divided. Not with `ordered`.
            on_report: Called, in this thread, with what `work.report` is given by `function`.

        Yields:
            Item and result; or, where `function` has failed `ATTEMPTS` times, a LandcoverError that names the item.

        Raises:
            LandcoverError: The scheduler is lost, or all workers are and no new ones come.
        """
        dispatch = Dispatch(self, function, items, describe, ordered, most_held, divide, on_report)
        self.listeners.append(dispatch.messages)
        try:
            yield from dispatch.results()
        finally:
            self.listeners.remove(dispatch.messages)
            dispatch.stop()

    def _on_memory(self, event: tuple[float, dict[str, Any]]) -> None:
        self._out_of_memory.add(event[1]["worker"])

    def _on_report(self, event: tuple[float, dict[str, Any]]) -> None:
        for messages in self.listeners:
            messages.put(("report", event[1]["key"], event[1]["news"]))

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        """In the thread of Dask: hear of workers that come and go."""
        message = event[1]
        if not isinstance(message, dict) or message.get("action") not in ("add-worker", "remove-worker"):
            return
        worker = message["worker"]
        lost: tuple[Any, ...] = ()
        if message["action"] == "remove-worker" and not message["expected"]:
            cause = ""
            self.lost_workers += 1
            if worker in self._out_of_memory:
                self._out_of_memory.discard(worker)
                cause = "out of memory"
            again = "" if not message["processing-tasks"] else " Others do its work."
            warn(f"a worker on {host(worker)} was lost{f' ({cause})' if cause else ''}.{again}")
            lost = (worker, tuple(message["processing-tasks"]), cause)
        for messages in self.listeners:
            messages.put(("workers", *lost))


@contextmanager
def connected(options: ScaleOptions, device: str = "auto", *, quiet: bool = False) -> Iterator[Cluster]:
    """Start workers on this machine, or connect to a scheduler that has some.

    Args:
        options: Which.
        device: Of `devices.DEVICES`: where the workers' networks run.
        quiet: Do not name the dashboard.

    Raises:
        LandcoverError: There is no such scheduler, it has no workers, or theirs are of another version.
    """
    opened = elsewhere(options.scheduler) if options.scheduler else local_workers(options.workers, device)
    with opened as client:
        set_up(client, device, is_local=not options.scheduler)
        if not quiet and (dashboard := client.dashboard_link):
            note(f"{len(client.nthreads())} workers, to be watched at {dashboard}")
        yield Cluster(client, is_local=not options.scheduler, device=device)
