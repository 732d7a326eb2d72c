"""The object store of the tests: every client reads from it what another wrote."""

import numpy as np
import pytest
import rasterio
from conftest import write_geotiff
from object_store import SECRET


@pytest.mark.long
def test_clients_read_what_others_wrote(object_store, tmp_path, monkeypatch):
    obstore = pytest.importorskip("obstore")
    s3fs = pytest.importorskip("s3fs")
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    bucket = object_store.bucket("clients")
    pixels = write_geotiff(tmp_path / "a.tif", np.arange(12, dtype=np.uint8).reshape(1, 3, 4))
    url = object_store.put(bucket, "folder/a.tif", tmp_path / "a.tif")
    with rasterio.open(url) as file:
        assert (file.read() == pixels).all()
    store = obstore.store.from_url(f"s3://{bucket}")
    obstore.put(store, "b.bin", b"content")
    assert s3fs.S3FileSystem().cat(f"{bucket}/b.bin") == b"content" == object_store.get(bucket, "b.bin")
    assert object_store.sizes(bucket) == {"b.bin": 7, "folder/a.tif": (tmp_path / "a.tif").stat().st_size}
    assert SECRET not in (object_store.folder / "weed.log").read_text()
