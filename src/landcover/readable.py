"""Files that can be read to their end, which pipes and devices have not."""

import errno
import stat
from pathlib import Path


def check_readable(path: Path | str) -> None:
    """Return if a file may be read and has an end; to open a pipe would be to wait for ever.

    Raises:
        OSError: It is missing, no regular file, or may not be read.
    """
    path = Path(path)
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))
    path.open("rb").close()
