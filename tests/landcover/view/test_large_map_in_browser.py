"""`landcover view` of a map of 144 million pixels in Chromium: quick, in memory that does not grow, and closed."""

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio
from accessibility import violations
from browser import pixels
from conftest import TABLE
from rasterio.transform import from_origin
from served import Served, serving
from viewing import Viewing, colour_at

SIDE, BLOCK = 12_000, 100  # pixels; the map consists of blocks of one class
COLOURS = [*TABLE.colours.values()]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(0).integers(len(TABLE), size=(SIDE // BLOCK, SIDE // BLOCK), dtype=np.uint8)


@pytest.fixture(scope="module")
def server(labels, tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("large")
    place = {"crs": "EPSG:32633", "transform": from_origin(300_000, 5_200_000, 10, 10)}
    full = labels.repeat(BLOCK, 0).repeat(BLOCK, 1)
    size = {"driver": "COG", "width": SIDE, "height": SIDE, "dtype": "uint8"}
    with rasterio.open(
        folder / "m.tif", "w", count=1, nodata=255, compress="deflate", level=1, **size, **place
    ) as file:
        file.write(full, 1)
        file.write_colormap(1, {label: (*colour, 255) for label, colour in enumerate(COLOURS)})
    with rasterio.open(folder / "i.tif", "w", count=3, compress="jpeg", **size, **place) as file:
        for band in (1, 2, 3):
            file.write(full * np.uint8(40) + np.uint8(20 * band), band)
    (folder / "secret.txt").write_text("secret")
    with serving("m.tif", "i.tif", folder=folder) as served:
        yield served


def memory(process: int) -> int:
    """Resident bytes of a process and those that it started."""
    status = Path(f"/proc/{process}/status").read_text()
    own = int(status.split("VmRSS:")[1].split()[0]) * 1024
    started = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return own + sum(memory(int(child)) for child in started)


def test_the_map_is_seen_within_two_seconds(pages, server):
    window = pages.open("about:blank")
    start = time.monotonic()
    window.goto(server.address)
    map_ = window.get_by_role("application")
    while not np.isin(colour_at(pixels(map_), 0.7, 0.3), (0, 255)).all():  # channels of the classes' colours
        assert time.monotonic() - start < 2
    pages.complaints = [text for text in pages.complaints if not text.startswith(f"request: {server.address}")]


def test_memory_is_flat_however_long_one_looks_around(pages, server, labels):
    viewing = Viewing(pages.open(server.address, size=(1000, 700)))
    viewing.choose(left="prediction", right="prediction")
    keyboard = viewing.window.keyboard
    used = []
    for turn in range(3):
        for zooms, arrow in ((3, "ArrowRight"), (2, "ArrowDown"), (1, "ArrowLeft"), (1, "ArrowUp")):
            for _ in range(zooms):
                keyboard.press("+")
            viewing.map.focus()
            for _ in range(12):
                keyboard.press(arrow)
                viewing.window.wait_for_timeout(30)
            seen = viewing.seen()
            row, column = viewing.place(0.3, 0.3)
            if all(10 < at % BLOCK < BLOCK - 10 for at in (row, column)):
                assert colour_at(seen, 0.3, 0.3) == COLOURS[labels[row // BLOCK, column // BLOCK]]
        keyboard.press("0")
        viewing.settle()
        used.append(memory(server.process.pid))
        assert turn or used[0] < 700e6
    assert used[-1] - used[0] < 60e6, used


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/secret.txt", None),
        ("/m.tif", None),
        ("/../secret.txt", None),
        ("/tiles/../../secret.txt", None),
        ("/tiles/prediction/0/0/%2e%2e%2f%2e%2e%2fsecret.txt", None),
        ("//etc/passwd", None),
        ("/tiles/prediction/99/0/0", None),
        ("/", "rebound.example"),
        ("/scene.json", "rebound.example:80"),
    ],
)
def test_nothing_but_the_map_is_answered(server, path, host):
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=10)
    connection.putrequest("GET", path, skip_host=host is not None)  # as it is: no client has tidied the path
    if host:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    assert 400 <= answer.status < 500
    assert b"secret" not in answer.read()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 900), (360, 740)])
def test_the_page_is_accessible(pages, server, scheme, size):
    window = pages.open(server.address, size=size, scheme=scheme)
    Viewing(window)
    assert violations(window) == []
