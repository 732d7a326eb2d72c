"""The stages and the command as processes of their own, without paying for the import of PyTorch each time.

Run as a program, this is a server: it imports the libraries once and forks. Each child runs a module as `python -m`
does, in a folder, with outputs, limits and a user of its own, and ends as Python ends a program.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]
SECONDS = 60  # after which a program hangs


class Programs:
    """Starts modules of this project as processes."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(
            [sys.executable, __file__], env=environment, stdin=pipe, stdout=pipe, text=True, start_new_session=True
        )

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait(SECONDS)

    def start(
        self,
        module: str,
        *arguments: object,
        folder: Path,
        limits: dict[str, int] | None = None,
        user: int = 0,
        killed_at: int = 0,
    ) -> int:
        """Start a module; return the number of its process, which leads a group of its own.

        Args:
            limits: By name in `resource`: RLIMIT_FSIZE in bytes, RLIMIT_AS in bytes beyond what the libraries take.
            user: To become, if the tests run as root.
            killed_at: Which of the changes that it makes to files, from 1, it does not live to see.
        """
        request = {"module": module, "arguments": [*map(str, arguments)], "folder": str(folder)}
        return self._ask(**request, limits=limits or {}, user=user, killed_at=killed_at)

    def wait(self, process: int) -> subprocess.CompletedProcess:
        """Wait for the end of a process that was started; one that hangs is killed, which its code then tells."""
        return subprocess.CompletedProcess([], *self._ask(wait=process))

    def run(self, module: str, *arguments: object, **options: object) -> subprocess.CompletedProcess:
        """Start a module and wait for its end."""
        return self.wait(self.start(module, *arguments, **options))

    def _ask(self, **request: object) -> Any:
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


def serve() -> None:
    """Answer requests; in a child, return what it is to run."""
    for module in pkgutil.walk_packages([str(ROOT / "src" / "landcover")], "landcover."):
        if module.name != "landcover.__main__":
            importlib.import_module(module.name)
    for name in ("landcover.training.recipe", "stages.common.runner"):
        importlib.import_module(name)
    gc.freeze()  # what the children share is not copied when they end
    outputs = {}
    while line := sys.stdin.readline():
        request = json.loads(line)
        if process := request.get("wait"):
            print(json.dumps([wait(process), *map(all_of, outputs.pop(process))]), flush=True)
            continue
        pipes = [os.pipe(), os.pipe()]  # no files: these a limit of the size of files would cut as well
        if process := os.fork():
            outputs[process] = [reader for reader, writer in pipes if os.close(writer) is None]
            print(process, flush=True)
        else:
            become(request, [writer for _, writer in pipes])
            return request["module"]
    sys.exit()


def all_of(pipe: int) -> str:
    """What is in a pipe."""
    fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_NONBLOCK)  # a process that outlived its parent may hold the other end
    with suppress(BlockingIOError), open(pipe, "rb", buffering=0) as stream:
        return (stream.read() or b"").decode(errors="backslashreplace")


def wait(process: int) -> int:
    """Exit code of a child, negative for a signal."""
    end = time.monotonic() + SECONDS
    while True:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.005)


def become(request: dict, outputs: list[int]) -> None:
    """Make this process the one that was asked for, but for what it runs."""
    os.setsid()
    os.chdir(request["folder"])
    for number, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *outputs]):
        os.dup2(stream, number)
        os.close(stream)
    for name, limit in request["limits"].items():
        if name == "RLIMIT_AS":
            limit += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(getattr(resource, name), (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if request["user"]:
        os.setuid(request["user"])
    if request["killed_at"]:
        die_at_change(request["killed_at"])
    sys.argv = [request["module"], *request["arguments"]]
    sys.path.insert(0, request["folder"])


def die_at_change(number: int) -> None:
    """Let SIGKILL end this process just before it changes files for the so manieth time."""
    changes = 0

    def count(event: str, arguments: tuple) -> None:
        nonlocal changes
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+")
        if writes or event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir"):
            changes += 1
            if changes == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def run_and_exit(module: str) -> NoReturn:
    """Run a module as a program, and end as Python does, but without taking all libraries apart, which takes longer."""
    sys.modules.pop("__main__")
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    run_and_exit(serve())
