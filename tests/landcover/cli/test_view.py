import http.client
import re
import signal
import socket
from urllib.parse import urlsplit

import numpy as np
import pytest
from conftest import landcover, write_geotiff, write_labels
from served import serving

LABELS = np.random.default_rng(0).integers(3, size=(300, 300), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    write_labels(tmp_path / "town_mask.tif", LABELS)
    write_geotiff(tmp_path / "town.tif", LABELS[None].repeat(3, 0), photometric="rgb")
    (tmp_path / "text.tif").write_text("no raster")
    (tmp_path / "empty.tif").touch()
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["missing.tif"], "missing.tif: "),
        (["text.tif"], "text.tif: not readable as an image"),
        (["empty.tif"], "empty.tif: not readable as an image"),
        (["folder"], "folder: "),
        (["/dev/zero"], "/dev/zero: "),
        (["http://127.0.0.1:9/town.tif"], "town.tif: "),
        (["/vsicurl/http://127.0.0.1:9/town.tif"], "town.tif: "),
        (["town.tif"], "town.tif: "),
        (["town_mask.tif", "missing.tif"], "missing.tif: "),
        (["town_mask.tif", "text.tif"], "text.tif: not readable as an image"),
        (["town_mask.tif", "town_mask.tif"], "town_mask.tif: given twice"),
        (["town_mask.tif", "--against", "town_mask.tif"], "town_mask.tif: given twice"),
        (["town_mask.tif", "--against", "text.tif"], "text.tif: not readable as an image"),
    ],
)
def test_what_cannot_be_shown_is_an_error_of_one_line(folder, arguments, named):
    done = landcover("view", *arguments, folder=folder)
    errors = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (done.returncode, done.stdout, len(errors)) == (1, "", 1), done.stderr
    assert errors[0].startswith("error: ")
    assert named in errors[0]


@pytest.mark.parametrize(
    "arguments", [[], ["a", "b", "c"], ["a", "--port", "0"], ["a", "--port", "65536"], ["a", "--port", "x"]]
)
def test_a_wrong_command_line_is_an_error_of_usage(folder, arguments):
    assert landcover("view", *arguments, folder=folder).returncode == 2


def test_a_port_that_is_taken_is_an_error_of_one_line(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = landcover("view", "town_mask.tif", "--port", port, folder=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"error: port {port} of 127\.0\.0\.1: .*--port.*\n", done.stderr)


def test_it_serves_at_the_printed_address_alone_until_it_is_interrupted(folder):
    with serving("town_mask.tif", "town.tif", folder=folder) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ shows town_mask\.tif; Ctrl-C ends it\n", server.line)
        place = urlsplit(server.address)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
        statuses = {}
        for path in ("/", "/tiles/prediction/1/0/0", "/../town.tif", "/%2e%2e/%2e%2e/etc/passwd", "/town.tif"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            statuses[path] = answer.status
        assert list(statuses.values()) == [200, 200, 404, 404, 404]
        others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in others - {place.hostname} or {"127.0.0.2"}:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, place.port), timeout=5)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 1
        assert server.process.stderr.read().strip() == "interrupted"
