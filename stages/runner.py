"""Run a stage: what a user can cause ends in one line and exit code 1."""

import sys
from collections.abc import Callable

from landcover.errors import LandcoverError


def run(main: Callable[[], None]) -> None:
    """Call `main`; turn the errors that a user can cause and mend into a line on stderr and an exit code."""
    try:
        main()
    except LandcoverError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.filename is None and error.strerror is None:
            raise
        place = f"{error.filename}: " if error.filename is not None else ""
        sys.exit(f"error: {place}{error.strerror}. Make room, or check the path and its permissions.")
    except KeyboardInterrupt as interrupt:
        left = str(interrupt) or "nothing half-written was kept. Run the same command to start this stage again."
        sys.exit(f"interrupted: {left}")
