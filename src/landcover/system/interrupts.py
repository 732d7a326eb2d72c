"""Ctrl-C and SIGTERM, the stop signal of clusters, as a request that a loop looks at when it can stop."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SAME_REQUEST = 1.0  # seconds; under torchrun a signal comes twice: from the terminal and from torchrun


class StopRequest:
    """Records SIGINT and SIGTERM within its `with` block. A second signal, over a second later, interrupts at once.

    Attributes:
        requested: Whether a signal came.
    """

    def __init__(self) -> None:
        self.requested = False
        self._time = 0.0

    def __enter__(self) -> "StopRequest":
        self._before = {number: signal.signal(number, self._record) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _record(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.requested and now > self._time + _SAME_REQUEST:
            raise KeyboardInterrupt
        if not self.requested:
            self.requested, self._time = True, now


@contextmanager
def restoring_handler(name: str) -> Iterator[None]:
    """Restore the handler of a signal after the body, on systems that have this signal."""
    number = signal.Signals.__members__.get(name)
    before = signal.getsignal(number) if number else None
    try:
        yield
    finally:
        if number:
            signal.signal(number, before)


def leave_interrupts_to_parent(_: int) -> None:
    """In a process that reads batches ahead: ignore Ctrl-C, so that the parent can finish its batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
