"""CPU time of `landcover --help` and of `landcover predict --help`."""

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import ROOT, Row, usage

LIMIT = 0.4  # seconds


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each command."""
    for arguments in (["--help"], ["predict", "--help"]):
        command = [sys.executable, "-m", "landcover", *arguments]
        seconds = statistics.median(usage(command, ROOT / "src")["cpu_seconds"] for _ in range(7))
        yield Row(f"landcover {' '.join(arguments)}", f"{seconds:.2f} s", f"{LIMIT} s", seconds / LIMIT, "<= 1")
