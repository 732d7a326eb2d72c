"""The time that an experiment takes, however often its training is interrupted."""

import json
import time
from contextlib import suppress

from landcover.system.files import replacing
from stages.train import checkpoint_path

CHECKPOINT = checkpoint_path(0)
NOTES = CHECKPOINT.with_name("recorded.json")


class Clock:
    """Runs from now on, in addition to the earlier sittings of the same experiment, of which it keeps notes in a file.

    What was done after the last checkpoint before an interruption counts twice, as it is done twice.

    Args:
        experiment: All that tells the experiment from others: commands and code.
    """

    def __init__(self, *experiment: str) -> None:
        self._experiment, self._start = list(experiment), time.monotonic()
        self._earlier = self._of_earlier_sittings() if CHECKPOINT.exists() else 0.0

    def note(self) -> None:
        """Write down the time so far, if it is known."""
        if self._earlier is not None:
            with replacing(NOTES) as scratch:
                scratch.write_text(json.dumps({"experiment": self._experiment, "seconds": self._seconds()}))

    def minutes(self) -> int | None:
        """Of all sittings; None if a training goes on of which it is not known how long it took before."""
        return None if self._earlier is None else max(1, round(self._seconds() / 60))

    def forget(self) -> None:
        """Remove the notes, once the experiment is done."""
        NOTES.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            NOTES.parent.rmdir()

    def _seconds(self) -> float:
        return (self._earlier or 0.0) + time.monotonic() - self._start

    def _of_earlier_sittings(self) -> float | None:
        if not NOTES.exists():
            return None
        notes = json.loads(NOTES.read_text())
        return float(notes["seconds"]) if notes["experiment"] == self._experiment else None
