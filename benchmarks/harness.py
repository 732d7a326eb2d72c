"""Timing our code and a peer's in turns, and the table of the results."""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        case: What was measured.
        ours, peer: Figures with their units.
        ratio: The figure that the target bounds.
        target: Such as `>= 0.95`; empty if the ratio has no target.
    """

    case: str
    ours: str
    peer: str
    ratio: float
    target: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None if there is none."""
        if not self.target:
            return None
        sign, limit = self.target.split()
        return self.ratio >= float(limit) if sign == ">=" else self.ratio <= float(limit)


@dataclass(frozen=True)
class Timing:
    """Seconds of several runs."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """Median, in seconds."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        """Median, and half the range."""
        spread = (max(self.seconds) - min(self.seconds)) / 2
        return f"{_seconds(self.median)} ± {100 * spread / self.median:.0f} %"


def in_turns(
    tasks: Mapping[str, Callable[[], object]],
    rounds: int = 5,
    warm_up: bool = True,
    tidy: Callable[[], object] = lambda: None,
) -> dict[str, Timing]:
    """Run the tasks one after the other, round after round, so that other load on the machine slows all of them alike.

    Args:
        warm_up: Run one uncounted round first.
        tidy: Called after each task, and not timed: removes what it wrote, of which too much would wait for the disk.
    """
    seconds = {name: [] for name in tasks}
    for turn in range(-warm_up, rounds):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
            tidy()
    return {name: Timing(values) for name, values in seconds.items()}


def in_process(module: str, *arguments: object, **environment: str) -> dict:
    """Run `python -m benchmarks.MODULE ARGUMENTS` in its own process; the JSON that it prints last is the result.

    Args:
        environment: Variables added to this process's environment, or set differently.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    variables = os.environ | environment
    done = subprocess.run(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def usage(command: Sequence[str], cwd: Path = ROOT) -> dict[str, float]:
    """`cpu_seconds` and peak memory, `megabytes` (on Linux), of a process."""
    # Through a small process: until it executes its program, a child counts the memory of its parent.
    code = "import json, resource as r, subprocess, sys\n"
    code += "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
    code += "u = r.getrusage(r.RUSAGE_CHILDREN)\n"
    code += "print(json.dumps({'cpu_seconds': u.ru_utime + u.ru_stime, 'megabytes': u.ru_maxrss / 1024}))"
    done = subprocess.run([sys.executable, "-c", code, *command], cwd=cwd, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


class Memory:
    """Peak of this process's own memory (without mapped files) while a block runs, in MB. Linux only."""

    peak = 0.0

    def __enter__(self) -> "Memory":
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._sample)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _sample(self) -> None:
        while not self._over.wait(0.01):
            lines = Path("/proc/self/status").read_text().splitlines()
            resident = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            self.peak = max(self.peak, resident / 1024)


def table(rows: Iterable[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| case | ours | peer | ratio | target | |", "|---|---|---|---|---|---|"]
    for row in rows:
        verdict = {True: "met", False: "**missed**", None: ""}[row.is_met]
        target = row.target.replace(">=", "≥").replace("<=", "≤")
        lines.append(f"| {row.case} | {row.ours} | {row.peer} | {row.ratio:.2f} | {target} | {verdict} |")
    return "\n".join(lines)


def machine() -> str:
    """The machine, in one line."""
    import torch

    return f"{processor()}; Python {sys.version.split()[0]}, PyTorch {torch.__version__}"


def instructions() -> str:
    """The instruction set with which PyTorch computes, such as AVX2."""
    import torch

    return torch.backends.cpu.get_cpu_capability()


def processor() -> str:
    """The processor: cores, model and instruction set, and the GPU if there is one."""
    import torch

    model = "processor of unknown model"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), model)
    gpu = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    return ", ".join([*gpu, f"{os.cpu_count()} cores", model, instructions()])


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.1f} ms"
