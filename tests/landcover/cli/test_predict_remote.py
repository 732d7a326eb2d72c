"""Images and maps in buckets."""

import numpy as np
import pytest
from conftest import landcover, landcover_process, write_geotiff
from web_server import web_server

pytestmark = pytest.mark.long

EVERYTHING = ("--confidence", "--probabilities", "--stac-item", "--datetime", "2024-06-01T10:30:00Z", "--format", "cog")


@pytest.fixture
def image(tmp_path):
    write_geotiff(tmp_path / "scene.tif", np.random.default_rng(0).integers(0, 255, (3, 96, 96), dtype=np.uint8))
    return tmp_path / "scene.tif"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("workers", [(), ("--workers", "1")])
def test_input_and_output_in_a_bucket_have_the_same_bytes_as_local(model_file, image, tmp_path, object_store, workers):
    bucket = object_store.bucket(f"predicting{len(workers)}")
    url = object_store.put(bucket, "in/scene.tif", image)
    ours = landcover(
        *("predict", image, "-m", model_file, "-o", "maps", "--polygons", "maps/p.gpkg", *EVERYTHING), folder=tmp_path
    )
    there = landcover_process(  # of its own: workers are forked with the variables with which the first one began
        *("predict", url, "-m", model_file, "-o", f"s3://{bucket}/maps", "--polygons", f"s3://{bucket}/maps/p.gpkg"),
        *(*EVERYTHING, *workers),
        folder=tmp_path,
        **object_store.environment,
    )
    assert (ours.returncode, there.returncode) == (0, 0), there.stderr
    assert there.stdout.splitlines()[0] == ours.stdout.splitlines()[0].replace("maps/", f"s3://{bucket}/maps/")
    made = content(tmp_path / "maps")
    assert {key.removeprefix("maps/") for key in object_store.sizes(bucket, "maps/")} == made.keys()
    assert all(object_store.get(bucket, f"maps/{name}") == bytes_ for name, bytes_ in made.items())


def test_a_password_or_a_signature_is_in_nothing_that_is_written(model_file, image, tmp_path):
    with web_server(tmp_path) as server:
        host = server.url.removeprefix("http://")
        url = f"http://someone:never1@{host}/scene.tif?X-Amz-Signature=never2"
        done = [
            landcover("predict", url, "-m", model_file, "-o", "maps", *EVERYTHING, folder=tmp_path),
            landcover("predict", url.replace("scene", "none"), "-m", model_file, "-o", "maps", folder=tmp_path),
            landcover("predict", image, "-m", url, "-o", "maps", folder=tmp_path),
            landcover("report", url, "-o", "page.html", folder=tmp_path),
        ]
    assert [each.returncode for each in done] == [0, 1, 1, 1]
    texts = [
        *(text for each in done for text in (each.stdout, each.stderr)),
        *map(str, content(tmp_path / "maps").values()),
    ]
    assert not [text for text in texts if "never" in text or "someone" in text]
