"""The page of `landcover view` in Chromium: what it draws is what the files hold."""

import re
import shutil
import signal
import time

import numpy as np
import pytest
import rasterio
from conftest import TABLE, write_geotiff, write_labels
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import transform
from served import serving
from viewing import Viewing, colour_at

from landcover.rasters.control_points import control_points
from landcover.rasters.grid import Grid

HEIGHT, WIDTH = 600, 900
BLOCK = 30
EVIL = "a<img src=x onerror=alert(1)>'\"&amp;<script>alert(2)</script>_mask.tif".replace("/", "\N{FRACTION SLASH}")
RNG = np.random.default_rng(0)
COLOURS = np.array([[200, 60, 40], [40, 160, 60], [30, 50, 200]], np.uint8)
PLACES = [(x, y) for x in (0.15, 0.35, 0.65, 0.8) for y in (0.2, 0.7)]


def blocks() -> np.ndarray:
    labels = RNG.integers(3, size=(HEIGHT // BLOCK, WIDTH // BLOCK), dtype=np.uint8)
    return labels.repeat(BLOCK, 0).repeat(BLOCK, 1)


LABELS, OTHER = blocks(), blocks()
CONFIDENCE = (100 + 50 * blocks()).astype(np.uint8)


def write_map(path, labels):
    write_labels(path, labels)
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {label: (*colour, 255) for label, colour in enumerate(TABLE.colours.values())})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    write_map(folder / "town_mask.tif", LABELS)
    write_map(folder / EVIL, OTHER)
    write_geotiff(folder / "town.tif", np.moveaxis(COLOURS[LABELS], 2, 0), photometric="rgb")
    write_geotiff(folder / "town_confidence.tif", CONFIDENCE[None])
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serving("town_mask.tif", "town.tif", "--against", EVIL, folder=folder) as server:
        yield server


@pytest.fixture
def viewing(pages, server):
    return Viewing(pages.open(server.address))


def test_each_layer_shows_the_pixels_of_its_file(viewing):
    assert viewing.chosen() == ["image", "prediction"]
    assert set(viewing.layers()) == {"image", "prediction", "other", "difference", "confidence"}
    places = [viewing.place(*spot) for spot in PLACES]
    drawn = np.array(list(TABLE.colours.values()))
    for layer, expected in (("prediction", drawn[LABELS]), ("other", drawn[OTHER]), ("image", COLOURS[LABELS])):
        viewing.choose(layer, layer)
        seen = viewing.seen()
        for (x, y), place in zip(PLACES, places, strict=True):
            if place and all(4 < at % BLOCK < BLOCK - 4 for at in place):
                assert np.abs(np.subtract(colour_at(seen, x, y), expected[place])).max() < (
                    9 if layer == "image" else 1
                )


def test_the_handle_divides_image_and_prediction(viewing):
    viewing.swipe(0.5)
    seen = viewing.seen()
    for x, y in PLACES:
        place = viewing.place(x, y)
        if place and all(4 < at % BLOCK < BLOCK - 4 for at in place):
            expected = COLOURS[LABELS[place]] if x < 0.5 else list(TABLE.colours.values())[LABELS[place]]
            assert np.abs(np.subtract(colour_at(seen, x, y), expected)).max() < 9


def test_the_line_tells_classes_probability_and_coordinates(viewing):
    for spot in PLACES:
        row, column = viewing.place(*spot)
        line = viewing.point(*spot)
        assert line.startswith(f"{TABLE.names[LABELS[row, column]]} · {EVIL}: {TABLE.names[OTHER[row, column]]} · ")
        assert f" · {CONFIDENCE[row, column] / 255:.2f} · " in line
        north, east, x, y = re.search(r"([\d.]+)° N, ([\d.]+)° E · x ([\d,]+), y ([\d,]+) · ", line).groups()
        x, y = (float(value.replace(",", "")) for value in (x, y))
        assert abs(x - (500_000 + 10 * column + 5)) <= 6
        assert abs(y - (5_000_000 - 10 * row - 5)) <= 6
        (lon,), (lat,) = transform("EPSG:32633", "EPSG:4326", [x], [y])
        assert abs(float(east) - lon) < 4e-5
        assert abs(float(north) - lat) < 4e-5


def test_degrees_are_interpolated_across_the_antimeridian(viewing):
    grid = Grid(CRS.from_epsg(32660), from_origin(700_000, 6_000_000, 10, 10), 12_000, 12_000)
    shares = [[x / 7, y / 7] for x in range(8) for y in range(8)]
    script = "([points, shares]) => shares.map(([x, y]) => landcover.places.degreesAt(points, x, y))"
    lon, lat = np.transpose(viewing.window.evaluate(script, [control_points(grid), shares]))
    columns, rows = np.transpose(shares) * 12_000
    expected_lon, expected_lat = grid.degrees_at(columns, rows)
    assert np.abs((lon - expected_lon + 180) % 360 - 180).max() < 2e-4  # a pixel
    assert np.abs(lat - expected_lat).max() < 1e-4
    assert lon.min() < -178 < 178 < lon.max()


def test_names_of_files_are_text(viewing):
    header = viewing.window.get_by_role("banner")
    assert header.get_by_role("heading", level=1).text_content() == "town_mask.tif"
    assert f"against: {EVIL}" in header.inner_text()
    assert "900 \N{MULTIPLICATION SIGN} 600 pixels" in header.inner_text()
    assert "EPSG:32633, WGS 84 / UTM zone 33N" in header.inner_text()
    assert viewing.window.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("size", [(1280, 900), (1280, 500), (390, 800)])
def test_the_viewer_fills_the_window_and_nothing_is_cut_off(pages, server, size):
    window = pages.open(server.address, size=size)
    viewing = Viewing(window)
    assert window.evaluate("document.documentElement.scrollWidth") <= size[0]
    _, top, _, height = viewing.box()
    assert height >= 240
    if size == (1280, 900):
        assert window.evaluate("document.documentElement.scrollHeight") <= size[1]
        assert top + height > 800


def test_what_can_be_read_is_shown_where_another_file_is_damaged(pages, folder, tmp_path):
    for name in ("town_mask.tif", "town.tif"):
        shutil.copy(folder / name, tmp_path)
    with serving("town_mask.tif", "town.tif", folder=tmp_path) as server:
        with (tmp_path / "town.tif").open("r+b") as file:
            file.truncate(2000)
        viewing = Viewing(pages.open(server.address))
        assert viewing.point(0.5, 0.4).split(" · ")[0] in TABLE.names
        assert "the terminal says" in viewing.window.get_by_role("alert").text_content()
    assert all("500" in complaint for complaint in pages.complaints)
    pages.complaints.clear()


def test_the_page_says_that_the_server_has_ended(pages, folder):
    with serving("town_mask.tif", folder=folder) as server:
        viewing = Viewing(pages.open(server.address, size=(390, 800)))  # the whole map at half the resolution
        server.process.send_signal(signal.SIGINT)
        server.process.wait(10)
        viewing.map.focus()
        end = time.monotonic() + 10
        problem = viewing.window.locator("[role=alert]")  # hidden while it is empty
        while not problem.text_content() and time.monotonic() < end:
            viewing.window.keyboard.press("+")
            viewing.window.wait_for_timeout(300)
        assert problem.is_visible()
        assert problem.text_content() == "The server does not answer. Start landcover view again, and reload this page."
    assert all("ERR_CONNECTION_REFUSED" in complaint for complaint in pages.complaints)
    pages.complaints.clear()
