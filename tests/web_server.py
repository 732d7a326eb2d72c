"""A web server for tests that gives ranges of files, keeps a list of requests, and can fail in the ways servers do."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request that came in; `sent` counts the bytes of the body of its answer."""

    method: str
    path: str
    span: str
    headers: dict[str, str]
    sent: int


Fault = str | int
"""A status; or "cut" (the connection ends in the middle), "short" (fewer bytes, but a header that fits them), "stall"
(no answer), "drip" (stalls in the middle), "whole" (all of the file, whatever is asked), "changed" (another file of the
same size), or "to URL" (redirects)."""


@dataclass
class WebServer:
    """A running server.

    Attributes:
        folder: Whose files it gives.
        url: Of that folder.
        requests: Those so far.
        connections: Number of those that were opened so far.
        fault: Says of each request, by its number from 0 and what is asked, which fault it meets; None for none.
    """

    folder: Path
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    fault: Callable[[int, str, str], Fault | None] = lambda number, path, span: None
    closing: Event = field(default_factory=Event)
    lock: Any = field(default_factory=Lock)

    @property
    def sent(self) -> int:
        """Bytes of all bodies so far."""
        return sum(request.sent for request in self.requests)

    def paths(self) -> set[str]:
        """All that was asked for."""
        return {request.path for request in self.requests}


@contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """Serve a folder at a free port of 127.0.0.1."""
    state = WebServer(folder)

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as real servers: else the body waits for the receipt of the header
    server_state: WebServer

    def setup(self) -> None:
        super().setup()
        with self.server_state.lock:
            self.server_state.connections += 1

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def _answer(self, *, send: bool) -> None:
        state = self.server_state
        span = self.headers.get("Range", "")
        with state.lock:
            number = len(state.requests)
            state.requests.append(Request(self.command, self.path, span, dict(self.headers), 0))
        fault = state.fault(number, self.path, span)
        path = state.folder / self.path.partition("?")[0].lstrip("/")
        if fault == "stall":
            state.closing.wait(30)
            self.close_connection = True
        elif isinstance(fault, str) and fault.startswith("to "):
            self._end(302, Location=fault.removeprefix("to "))
        elif isinstance(fault, int) or not path.is_file():
            self._end(fault if isinstance(fault, int) else 404)
        else:
            self._give(path.read_bytes(), "" if fault == "whole" else span, fault, number, send=send)

    def _end(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _give(self, content: bytes, span: str, fault: Fault | None, number: int, *, send: bool) -> None:
        size = len(content)
        tag = '"1"'
        if fault == "changed":
            content, tag = bytes(255 - byte for byte in content), '"2"'
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", span)
        if match and int(match[1]) >= size:
            self._end(416)
            return
        start, end = (int(match[1]), min(int(match[2] or size - 1), size - 1)) if match else (0, size - 1)
        body = content[start : end + 1]
        if fault == "short":
            body = body[: len(body) // 2]
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{size}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", tag)
        self.end_headers()
        if not send:
            return
        if fault in ("cut", "drip"):
            body = body[: len(body) // 2]
        state = self.server_state
        with state.lock:
            state.requests[number] = state.requests[number]._replace(sent=len(body))
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            pass
        if fault == "drip":
            state.closing.wait(30)
        if fault in ("cut", "drip"):
            self.close_connection = True
            time.sleep(0)
