"""A thin script for each stage of dvc.yaml, and `docs`, which generates the documentation of their parameters.

Each runs with the library of its own checkout, whether that is installed or not.
"""

import sys
from pathlib import Path
from types import TracebackType

# Queued experiments run in a copy of the tree. With an editable install they would silently use the original's code.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from landcover.system.errors import one_line_message
from landcover.system.threads import wait_briefly

wait_briefly()


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print errors that a user can fix in one line, as `runner.run` does: imports before it may run out of memory."""
    if line := one_line_message(error):
        print(f"error: {line}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell
