"""Ask git about the folder that the program runs in."""

import subprocess

_SECONDS = 10
"""More than git needs; on a drive that does not respond it would wait forever."""


def git_output(*arguments: str) -> str | None:
    """The output of a git command; None if it fails: no git, no repository, no such revision or file."""
    try:
        done = subprocess.run(
            ["git", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")
