"""`landcover view` as a process of its own, and its application asked within this one."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PORT = 8000


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    app: Any, path: str, method: str = "GET", host: str = f"127.0.0.1:{PORT}", headers: Mapping[str, str] | None = None
) -> Answer:
    """Ask an ASGI application; the path is sent as it is, as a client of bad intent would."""
    sent: list[dict[str, Any]] = []
    fields = {"host": host, **(headers or {})}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "server": ("127.0.0.1", PORT),
    }

    async def receive() -> dict[str, Any]:
        if not sent:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, *parts = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(part.get("body", b"") for part in parts),
    )


class Served(NamedTuple):
    """A server that runs: its process, and the address that it printed."""

    process: subprocess.Popen[str]
    line: str

    @property
    def address(self) -> str:
        return self.line.split()[0]


@contextmanager
def serving(*arguments: object, folder: Path) -> Iterator[Served]:
    """Run `landcover view` in a folder until the body ends."""
    command = [sys.executable, "-m", "landcover", "view", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        yield Served(process, process.stdout.readline())
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(20)
        process.stdout.close()
        process.stderr.close()
