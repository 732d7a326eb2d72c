"""Two processes under torchrun that train together, one thread each, against one process with two threads.

The whole stage `train` on the embedded data set, one epoch of 60 steps; images per second as it prints them.
Below, steps of bare loops whose threads wait briefly for each other (`system.threads`), as ours do, against loops
whose threads wait as PyTorch lets them: one loop alone, and two at once, like two independent trainings. The time of
two loops that wait as PyTorch lets them varies widely from run to run.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from benchmarks.harness import ROOT, Row, Timing, in_process
from stages.common.paths import PREPARED, WEIGHTS

STEPS = 60
ROUNDS = 3
LOOP = "training_options", "fcn8s", "mobilenet_v2", 192, 1
LIBGOMP_SPINS = "300000"  # where the environment does not say how to wait


def measure(scratch: Path) -> Iterator[Row]:
    """Three rows."""
    project = scratch / "project"
    subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
    for folder in (PREPARED, WEIGHTS):
        shutil.copytree(ROOT / folder, project / folder)
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
        rates[name] = float(re.search(r"([\d.]+) images/s", done.stdout)[1])
    yield Row(
        "images per second, default training",
        f"{rates['two']:.1f}",
        f"{rates['one']:.1f}",
        rates["two"] / rates["one"],
    )
    for what, count in (("alone", 1), ("two at once", 2)):
        brief, patient = [], []
        for _ in range(ROUNDS):
            brief += _loops(count)
            patient += _loops(count, GOMP_SPINCOUNT=LIBGOMP_SPINS)
        brief, patient = Timing(brief), Timing(patient)
        case = f"threads wait briefly, fcn8s on mobilenet_v2, {what}"
        yield Row(case, str(brief), str(patient), patient.median / brief.median)


def _loops(count: int, **environment: str) -> list[float]:
    """Seconds that each of `count` bare loops takes, all at once."""
    with ThreadPoolExecutor(count) as pool:
        loops = [pool.submit(in_process, *LOOP, **environment) for _ in range(count)]
    return [loop.result()["seconds"] for loop in loops]
