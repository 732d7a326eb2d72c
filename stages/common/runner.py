"""Run a stage: what a user can cause ends in one line and exit code 1."""

import sys
from collections.abc import Callable

from landcover.system.errors import one_line_errors
from landcover.system.memory import keep_memory
from stages.common.changes import note_uncommitted


def run(main: Callable[[], None], *blocks: str) -> None:
    """Call `main`; turn the errors that a user can cause into a line on stderr and an exit code.

    Args:
        blocks: Of params.yaml, that the stage reads: what differs from the committed ones is said first, so that it is
            said as well when the stage fails.
    """
    keep_memory()
    try:
        with one_line_errors():
            note_uncommitted(*blocks)
            main()
    except KeyboardInterrupt as interrupt:
        left = str(interrupt) or "nothing half-written was kept. Run the same command to start this stage again."
        sys.exit(f"interrupted: {left}")
