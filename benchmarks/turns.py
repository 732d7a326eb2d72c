"""Timing programs in turns, each in a process of its own, as its users start it.

A process reads a line when its turn comes, and prints what the turn took. So neither program gets settings of the
other: of memory (`system.memory`), of threads (`system.threads`), or of libraries.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile

from benchmarks.harness import ROOT, Timing

_TOOK = "seconds of this turn: "


def processes_in_turns(programs: Mapping[str, Sequence[object]], rounds: int = 5) -> dict[str, Timing]:
    """Let processes `python -m benchmarks.MODULE ARGUMENTS` work one after the other, after one uncounted round.

    Args:
        programs: Module and arguments by name. Each calls `take_turns`, or `wait_for_turn` and `end_turn`.
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    with ExitStack() as stack:
        processes = {name: stack.enter_context(_started(program)) for name, program in programs.items()}
        for turn in range(-1, rounds):
            for name, process in processes.items():
                took = _turn(process, name)
                if turn >= 0:
                    seconds[name].append(took)
    return {name: Timing(values) for name, values in seconds.items()}


def take_turns(task: Callable[[], object]) -> None:
    """Run a task at each turn of this process."""
    while wait_for_turn():
        start = time.perf_counter()
        task()
        end_turn(time.perf_counter() - start)


def wait_for_turn() -> bool:
    """Wait until it is the turn of this process; whether there is one."""
    return bool(sys.stdin.readline())


def end_turn(seconds: float) -> None:
    """End the turn of this process, which took so long."""
    print(f"\n{_TOOK}{seconds}", flush=True)


@contextmanager
def _started(program: Sequence[object]) -> Iterator[subprocess.Popen[str]]:
    module, *arguments = program
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    variables = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}  # which stages set
    pipe = subprocess.PIPE
    with (
        TemporaryFile("w+") as messages,
        subprocess.Popen(
            command, cwd=ROOT, env=variables, stdin=pipe, stdout=pipe, stderr=messages, text=True
        ) as process,
    ):
        try:
            yield process
            process.stdin.close()  # no more turns
            process.wait()
        finally:
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.kill()  # if it still runs
            if process.wait():
                messages.seek(0)
                sys.stderr.write(messages.read())


def _turn(process: subprocess.Popen[str], name: str) -> float:
    with suppress(BrokenPipeError):  # it has ended
        print(file=process.stdin, flush=True)
    for line in process.stdout:
        if line.startswith(_TOOK):
            return float(line.removeprefix(_TOOK))
    raise ChildProcessError(f"{name} ended before its turn did; its messages are above")
