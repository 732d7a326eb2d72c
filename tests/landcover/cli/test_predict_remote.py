"""Images and maps in buckets."""

import numpy as np
import pytest
from conftest import landcover, write_geotiff

pytestmark = pytest.mark.long


def test_input_and_output_in_a_bucket_have_the_same_bytes_as_local(model_file, tmp_path, object_store, monkeypatch):
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    image = tmp_path / "scene.tif"
    write_geotiff(image, np.random.default_rng(0).integers(0, 255, (3, 96, 96), dtype=np.uint8))
    url = object_store.put(object_store.bucket("predicting"), "in/scene.tif", image)
    landcover("predict", image, "-m", model_file, "-o", tmp_path / "maps", "--confidence", "--quiet", folder=tmp_path)
    landcover(
        "predict", url, "-m", model_file, "-o", "s3://predicting/maps", "--confidence", "--quiet", folder=tmp_path
    )
    made = {path.name: path.read_bytes() for path in (tmp_path / "maps").iterdir() if path.is_file()}
    there = {key.removeprefix("maps/") for key in object_store.sizes("predicting", "maps/")}
    assert there == made.keys()
    assert all(object_store.get("predicting", f"maps/{name}") == content for name, content in made.items())
