"""Run a stage: an error that a user can cause ends in one line and exit code 1."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from landcover.system.errors import LandcoverError, one_line_errors
from landcover.system.memory import keep_memory
from landcover.system.settings import Settings
from stages.common.changes import note_uncommitted


def run(main: Callable[[], None], **blocks: type[Settings]) -> None:
    """Call `main`; turn the errors that a user can cause into a line on stderr and an exit code.

    Args:
        main: The stage.
        blocks: The blocks of params.yaml that it reads. Values that differ from the committed ones are noted first, so
            that the note is there even if the stage fails.
    """
    keep_memory()
    try:
        with one_line_errors(), naming_keys(**blocks):
            note_uncommitted(*blocks)
            main()
    except KeyboardInterrupt as interrupt:
        left = str(interrupt) or "nothing half-written was kept. Run the same command to start this stage again."
        sys.exit(f"interrupted: {left}")


@contextmanager
def naming_keys(**blocks: type[Settings]) -> Iterator[None]:
    """Turn the arguments that errors of the library name, such as `crop`, into keys of params.yaml: train.crop.

    Args:
        blocks: The blocks of params.yaml whose keys are arguments of the library; of a key in several, the last counts.
    """
    keys = {key: f"{name}.{key}" for name, block in blocks.items() for key in block.model_fields}

    def named(line: str) -> str:
        return re.sub(r"`(\w+)`", lambda match: keys.get(match[1], match[0]), line)

    try:
        yield
    except LandcoverError as error:
        raise LandcoverError(*map(named, error.lines)) from error
