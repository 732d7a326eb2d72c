"""One thin script per stage of dvc.yaml. Each runs with this checkout's own library, installed or not."""

import sys
from pathlib import Path
from types import TracebackType

# Queued experiments run in a copy of the tree: an editable install would silently give them the original tree's code.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from landcover.system.errors import one_line_message
from landcover.system.threads import wait_briefly

wait_briefly()


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell what a user can mend in a line as `runner.run` does, also before that is reached: PyTorch takes memory."""
    if line := one_line_message(error):
        print(f"error: {line}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell
