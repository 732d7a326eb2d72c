"""Measure everything and write benchmarks/results.md.

With subjects, `python -m benchmarks SUBJECT ...`, names of the modules, only these are measured and printed.
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    evaluation,
    giant_picture,
    growth,
    nothing_to_do,
    prediction,
    preparation,
    processes,
    start_up,
    training_epoch,
    training_options,
    training_step,
)
from benchmarks.harness import machine, table
from landcover.memory import keep_memory

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
    giant_picture: "one giant picture",
    processes: "processes",
}
RESULTS = Path(__file__).parent / "results.md"


def main() -> None:
    """Measure subject after subject."""
    keep_memory()  # as stages and commands do
    start = time.monotonic()
    names = {module.__name__.removeprefix("benchmarks."): module for module in SUBJECTS}
    parts = []
    for module in [names[name] for name in sys.argv[1:]] or SUBJECTS:
        with tempfile.TemporaryDirectory(prefix="landcover-") as scratch:
            rows = list(module.measure(Path(scratch)))
        note = getattr(module, "NOTE", "")
        parts.append("\n\n".join(filter(None, [f"## {SUBJECTS[module]}", module.__doc__.strip(), table(rows), note])))
        print(f"{parts[-1]}\n", flush=True)
    if not sys.argv[1:]:
        minutes = (time.monotonic() - start) / 60
        heading = (
            "# Benchmarks\n\nWritten by `make bench`. Ours and the peer run in turns; times are medians ± half the "
            f"range; a ratio is what its target speaks of.\n\n{machine()}. {minutes:.0f} minutes in all."
        )
        RESULTS.write_text("\n\n".join([heading, *parts]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
