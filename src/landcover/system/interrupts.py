"""Ctrl-C, and the terminate signal of clusters, as a wish that a loop grants when it can."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SECONDS = 1.0


class StopRequest:
    """Notes SIGINT and SIGTERM within its `with` block; one that comes more than a second later interrupts at once.

    Less than that is the same wish told twice: under `torchrun`, by the terminal and by `torchrun`.

    Attributes:
        requested: Whether one came.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> "StopRequest":
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.requested and now > self._noted + _SECONDS:
            raise KeyboardInterrupt
        if not self.requested:
            self.requested, self._noted = True, now


@contextmanager
def restoring_handler(name: str) -> Iterator[None]:
    """Undo what the body does to the handling of a signal, where the system has such a one."""
    number = signal.Signals.__members__.get(name)
    before = number and signal.getsignal(number)
    try:
        yield
    finally:
        if number:
            signal.signal(number, before)


def leave_interrupts_to_parent(_: int) -> None:
    """In a process that reads ahead: outlive Ctrl-C until the parent has no more use for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
