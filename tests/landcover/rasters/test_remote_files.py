"""Rasters elsewhere: by ranges, nothing but the named file, and no wrong pixel whatever the server does."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window
from web_server import Fault, WebServer, web_server

from landcover.rasters.access import open_dataset
from landcover.system import object_store
from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote

PIXELS = np.random.default_rng(0).integers(1, 255, (3, 1024, 1024), dtype=np.uint8)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(object_store, "RETRIES", 2)
    monkeypatch.setattr(object_store, "PATIENCE", 1.0)
    short = {"init_backoff": timedelta(seconds=0.01), "max_backoff": timedelta(seconds=0.02), "base": 2}
    monkeypatch.setattr(object_store, "_BACKOFF", short)
    profile = {"driver": "GTiff", "width": 1024, "height": 1024, "count": 3, "dtype": "uint8", "tiled": True}
    with rasterio.open(tmp_path / "a.tif", "w", **profile, blockxsize=128, blockysize=128) as file:
        file.write(PIXELS)
    with web_server(tmp_path) as running:
        yield running


def read(server: WebServer, query: str = "") -> np.ndarray:
    with open_dataset(Remote(f"{server.url}/a.tif{query}")) as dataset:
        return dataset.read(window=Window(256, 512, 128, 128))


def test_a_window_takes_a_small_part_of_the_file(server: WebServer) -> None:
    assert (read(server) == PIXELS[:, 512:640, 256:384]).all()
    assert server.sent < (server.folder / "a.tif").stat().st_size / 5
    assert server.paths() == {"/a.tif"}


@pytest.mark.parametrize("fault", ["cut", "short", 500, 503, 429])
def test_what_passes_is_tried_again(server: WebServer, fault: Fault) -> None:
    server.fault = lambda number, path, span: fault if number == 1 else None
    assert (read(server) == PIXELS[:, 512:640, 256:384]).all()


@pytest.mark.parametrize("fault", ["cut", "short", "whole", "changed", 500, 404, 403])
@pytest.mark.parametrize("first", [0, 1])
def test_what_stays_is_one_line_without_keys(server: WebServer, fault: Fault, first: int) -> None:
    server.fault = lambda number, path, span: fault if number >= first else None
    with pytest.raises(LandcoverError) as caught:
        read(server, "?X-Amz-Signature=never")
    assert "\n" not in str(caught.value)
    assert "never" not in str(caught.value)
    assert fault not in (404, 403) or len(server.requests) == first + 1


def test_a_vrt_elsewhere_is_refused_without_a_request(server: WebServer) -> None:
    with pytest.raises(LandcoverError, match="VRT elsewhere"), open_dataset(f"{server.url}/a.vrt"):
        pass
    assert not server.requests


def test_a_file_elsewhere_that_names_others_makes_no_request_for_them(server: WebServer) -> None:
    with rasterio.open(server.folder / "a.tif", "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/{server.url}/other.tif")
    with pytest.raises(LandcoverError, match="overviews"):
        read(server)
    assert server.paths() == {"/a.tif"}
