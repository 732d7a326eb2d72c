"""How files elsewhere are reached: connections are kept, by threads too, as long as the settings stay the same."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from web_server import WebServer, web_server

from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote
from landcover.system.object_store import download, read_range


@pytest.fixture
def server(tmp_path: Path):
    (tmp_path / "a").write_bytes(bytes(range(200)))
    with web_server(tmp_path) as running:
        yield running


def test_ranges_are_read_over_kept_connections(server: WebServer) -> None:
    place = Remote(f"{server.url}/a?sig=1")
    for start in range(100):
        assert read_range(place, start, start + 2)[0] == bytes([start, start + 1])
    assert len(server.requests) == 100
    assert server.connections < 20


def test_threads_share_connections(server: WebServer) -> None:
    place = Remote(f"{server.url}/a")
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda start: read_range(place, start, start + 1)[0], range(200)))
    assert b"".join(parts) == bytes(range(200))
    assert server.connections < 50


def test_other_settings_make_other_connections(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    host = server.url.removeprefix("http://")
    for url in (f"http://{host}/a", f"http://user:one@{host}/a", f"http://user:two@{host}/a", f"http://{host}/a?k=1"):
        read_range(Remote(url), 0, 1)
    assert [request.headers.get("authorization") for request in server.requests] == [
        None,
        "Basic dXNlcjpvbmU=",
        "Basic dXNlcjp0d28=",
        None,
    ]
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setattr("landcover.system.object_store.RETRIES", 1)
    with pytest.raises(LandcoverError, match="no connection"):
        read_range(Remote(server.url + "/a"), 0, 1)


def test_a_connection_that_the_server_has_closed_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    with web_server(tmp_path) as server:
        read_range(Remote(f"{server.url}/a"), 0, 1)
        server.fault = lambda number, path, span: "cut" if number == 1 else None  # and closes
        assert read_range(Remote(f"{server.url}/a"), 0, 2)[0] == b"12"
        download(Remote(f"{server.url}/a"), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"12"


@pytest.mark.long
def test_workers_are_forked_before_obstore_has_threads_and_connections() -> None:
    code = "import sys, landcover.scale.forked; print([name for name in sys.modules if name.startswith('obstore')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout == "[]\n", done.stderr
