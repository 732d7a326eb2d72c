"""The workers that are there, and those that are given nothing more."""

from distributed import Client

from landcover.scale.connecting import host
from landcover.system.errors import LandcoverError, note

_PATIENCE = 600.0  # seconds to wait for a worker when none is left


class Workers:
    """The workers of a client's cluster, during one map.

    Attributes:
        usable: Threads by address of those that are given work.
        known: Threads by address of all that ever were there.
        hanging: Addresses of those that others have overtaken.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.usable: dict[str, int] = {}
        self.known: dict[str, int] = {}
        self.hanging: set[str] = set()

    def look(self) -> None:
        """See which workers there are; wait for one if there is none.

        Raises:
            LandcoverError: The scheduler is lost, or no worker came.
        """
        self.check_scheduler()
        threads = self._client.nthreads()
        if not threads:
            note(f"no worker is left; waiting up to {_PATIENCE / 60:.0f} minutes for another")
            try:
                self._client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError as error:
                raise LandcoverError(
                    "no worker is left, and none came. Start workers, then run the same command again."
                ) from error
            threads = self._client.nthreads()
        self.known |= threads
        self.hanging &= threads.keys()
        if threads.keys() <= self.hanging:
            self.hanging.clear()
        self.usable = {worker: count for worker, count in threads.items() if worker not in self.hanging}

    def check_scheduler(self) -> None:
        """Raise a LandcoverError if the scheduler is lost."""
        if self._client.status != "running":
            raise LandcoverError(
                "the connection to the scheduler was lost. See whether it is running, then run the same command again."
            )

    def of_tasks(self) -> dict[str, str]:
        """The worker of each task, by key."""
        return {str(key): worker for worker, keys in self._client.processing().items() for key in keys}

    def set_aside(self, worker: str | None) -> None:
        """Give nothing more to a worker that another has overtaken, unless it is the last one."""
        if worker in self.usable and len(self.usable) > 1:
            self.hanging.add(worker)
            del self.usable[worker]
            note(f"a worker on {host(worker)} is slow or hangs: another one did its work, and it gets no more")
