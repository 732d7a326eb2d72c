"""Items on their way, and the tasks in which they travel."""

from dataclasses import dataclass, field
from typing import Any

from distributed import Future

from landcover.scale.work import Done

ATTEMPTS = 3
"""Times that an item is tried before it counts as failed."""


@dataclass(eq=False)
class Job:
    """An item that is not done.

    Attributes:
        index: Its number.
        attempts: How often it failed, or its worker was lost.
        is_alone: It travels alone, because it may be what kills workers.
        failed_on: Workers on which it failed.
    """

    index: int
    item: Any
    attempts: int = 0
    is_alone: bool = False
    failed_on: set[str] = field(default_factory=set)
    is_done: bool = False


@dataclass(eq=False)
class Task:
    """Jobs that travel together.

    Attributes:
        started: When it was handed out, in seconds of the monotonic clock.
        heard: When it was handed out or last told how far it is.
        copy: The same jobs on another worker.
    """

    key: str
    jobs: list[Job]
    future: Future[Done]
    started: float
    copy: "Task | None" = None
    heard: float = field(init=False)

    def __post_init__(self) -> None:
        self.heard = self.started
