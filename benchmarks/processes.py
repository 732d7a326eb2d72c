"""Two processes under torchrun that train together, one thread each, against one process with two threads.

The stage `train` as a whole on the embedded data set, one epoch of 60 steps; pictures a second as it prints them.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.harness import ROOT, Row

STEPS = 60


def measure(scratch: Path) -> Iterator[Row]:
    """A row."""
    project = scratch / "project"
    subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
    shutil.copytree(ROOT / "data" / "prepared", project / "data" / "prepared")
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["train"] |= {"epochs": 1, "steps": STEPS, "log_every": STEPS}
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    rates = {}
    for name, start in (("two", torchrun), ("one", [sys.executable])):
        shutil.rmtree(project / "checkpoints", ignore_errors=True)
        command = [*start, "-m", "stages.train"]
        done = subprocess.run(
            command, cwd=project, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        rates[name] = float(re.search(r"([\d.]+) pictures/s", done.stdout)[1])
    yield Row(
        "pictures a second, default training",
        f"{rates['two']:.1f}",
        f"{rates['one']:.1f}",
        rates["two"] / rates["one"],
    )
