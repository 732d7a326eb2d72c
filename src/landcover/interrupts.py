"""Ctrl-C, and the terminate signal of clusters, as a wish that a loop grants when it can."""

import signal
from types import FrameType


class StopWish:
    """Notes the first SIGINT or SIGTERM within its `with` block; a second one interrupts at once.

    Attributes:
        there: Whether one came.
    """

    def __init__(self) -> None:
        self.there = False

    def __enter__(self) -> "StopWish":
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.there:
            raise KeyboardInterrupt
        self.there = True


def leave_interrupts_to_parent(_: int) -> None:
    """In a process that reads ahead: outlive Ctrl-C until the parent has no more use for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
