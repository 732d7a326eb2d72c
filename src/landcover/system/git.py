"""What git says of the folder that a program runs in."""

import subprocess

_SECONDS = 10
"""More than git needs; a repository on a drive that is gone would keep it waiting."""


def git_output(*arguments: str) -> str | None:
    """What a git command prints; None if it fails: no git, no repository, no such revision or file."""
    try:
        done = subprocess.run(
            ["git", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")
