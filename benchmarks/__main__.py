"""Measure everything and write benchmarks/results.md.

`python -m benchmarks SUBJECT ...` measures the named modules only and prints what they give.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from benchmarks import (
    evaluation,
    giant_image,
    growth,
    nothing_to_do,
    prediction,
    preparation,
    processes,
    start_up,
    training_epoch,
    training_options,
    training_step,
    workers,
)
from benchmarks.harness import machine, table
from landcover.system.memory import keep_memory

SUBJECTS = {
    training_step: "training step",
    training_epoch: "training, whole",
    training_options: "training, more",
    preparation: "prepare",
    prediction: "predict",
    evaluation: "evaluate",
    start_up: "start-up",
    nothing_to_do: "no-op",
    growth: "growth",
    giant_image: "one giant image",
    processes: "processes",
    workers: "workers",
}
RESULTS = Path(__file__).parent / "results.md"


def main() -> None:
    """Measure subject after subject, each in a process of its own."""
    start = time.monotonic()
    names = {module.__name__.removeprefix("benchmarks."): module for module in SUBJECTS}
    if subjects := sys.argv[1:]:
        for name in subjects:
            print(section(names[name]), flush=True)
        return
    parts = []
    for name in names:
        command = [sys.executable, "-m", "benchmarks", name]
        parts.append(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
        print(f"{parts[-1]}\n", flush=True)
    minutes = (time.monotonic() - start) / 60
    heading = (
        "# Benchmarks\n\nWritten by `make bench`. Ours and the peer run in turns; times are medians ± half the "
        f"range; the target bounds the ratio.\n\n{machine()}. {minutes:.0f} minutes in all."
    )
    RESULTS.write_text("\n\n".join([heading, *parts]) + "\n", encoding="utf-8")


def section(module: ModuleType) -> str:
    """Measure a subject and describe it in Markdown."""
    keep_memory()  # as stages and commands do
    with tempfile.TemporaryDirectory(prefix="landcover-") as scratch:
        rows = list(module.measure(Path(scratch)))
    note = getattr(module, "NOTE", "")
    return "\n\n".join(filter(None, [f"## {SUBJECTS[module]}", module.__doc__.strip(), table(rows), note]))


if __name__ == "__main__":
    main()
