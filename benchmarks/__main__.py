"""Measure everything and write it down, see `tables`.

`python -m benchmarks SUBJECT ...` measures the named modules only and prints what they give.
"""

import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from types import ModuleType

from benchmarks import (
    agreement,
    evaluation,
    giant_image,
    growth,
    nothing_to_do,
    prediction,
    preparation,
    processes,
    raster_files,
    scene_peers,
    start_up,
    training_epoch,
    training_options,
    training_peers,
    training_step,
    workers,
)
from benchmarks.harness import instructions, table
from benchmarks.tables import record, write_page
from landcover.system.memory import keep_memory

SUBJECTS = {
    training_step: "training step",
    training_epoch: "training, whole",
    training_peers: "training, peers",
    training_options: "training, more",
    preparation: "prepare",
    prediction: "predict",
    evaluation: "evaluate",
    start_up: "start-up",
    nothing_to_do: "no-op",
    growth: "growth",
    giant_image: "one giant image",
    scene_peers: "one scene, peers",
    raster_files: "reading and writing rasters",
    processes: "processes",
    workers: "workers",
    agreement: "agreement",
}


def main() -> None:
    """Measure subject after subject, each in a process of its own."""
    parser = ArgumentParser("python -m benchmarks", description="Measure against peers.")
    names = {module.__name__.removeprefix("benchmarks."): module for module in SUBJECTS}
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(names)}")
    parser.add_argument("--record", action="store_true", help="write down what is measured, as without subjects")
    arguments = parser.parse_args()
    if unknown := set(arguments.subjects) - names.keys():
        parser.error(f"no subject {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if arguments.subjects:
        for name in arguments.subjects:
            measure(names[name], is_recorded=arguments.record)
        return
    start = time.monotonic()
    for name in names:
        subprocess.run([sys.executable, "-m", "benchmarks", name, "--record"], check=True)
    print(f"{(time.monotonic() - start) / 60:.0f} minutes in all")


def measure(module: ModuleType, *, is_recorded: bool) -> None:
    """Measure a subject and print what it gives in Markdown."""
    keep_memory()  # as stages and commands do
    with tempfile.TemporaryDirectory(prefix="landcover-") as scratch:
        rows = list(module.measure(Path(scratch)))
    if not rows:  # skipped, for want of a package: what was measured before stays
        return
    print(f"## {SUBJECTS[module]}\n\n{table(rows)}\n", flush=True)
    if is_recorded:
        record(instructions(), module.__name__.removeprefix("benchmarks."), rows)
        write_page(SUBJECTS)


if __name__ == "__main__":
    main()
