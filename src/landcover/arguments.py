"""Arguments that several commands take."""

import argparse
from collections.abc import Callable


def whole(least: int, multiple: int = 1) -> Callable[[str], int]:
    """A type for argparse: a whole number from `least` on that is a multiple of `multiple`."""

    def whole(text: str) -> int:
        if int(text) < least or int(text) % multiple:
            kind = f"a multiple of {multiple}" if multiple > 1 else "a number"
            raise argparse.ArgumentTypeError(f"{text}: give {kind} from {least}")
        return int(text)

    return whole


def overlap(text: str) -> float:
    """A type for argparse: the share of a window that the next one covers too."""
    if not 0 <= float(text) < 0.9:
        raise argparse.ArgumentTypeError(f"{text}: give a share from 0 to below 0.9")
    return float(text)
