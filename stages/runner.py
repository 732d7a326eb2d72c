"""Run a stage: what a user can cause ends in one line and exit code 1."""

import sys
from collections.abc import Callable

from landcover.errors import errors_in_one_line
from landcover.memory import keep_memory


def run(main: Callable[[], None]) -> None:
    """Call `main`; turn the errors that a user can cause and mend into a line on stderr and an exit code."""
    keep_memory()
    try:
        with errors_in_one_line():
            main()
    except KeyboardInterrupt as interrupt:
        left = str(interrupt) or "nothing half-written was kept. Run the same command to start this stage again."
        sys.exit(f"interrupted: {left}")
