import numpy as np
import pytest
import rasterio
from conftest import draw_pair, write_geotiff

from landcover.cli.map_drawing import draw_maps
from landcover.cli.map_formats import MAP_FORMATS, DrawingOptions
from landcover.cli.map_jobs import plan_jobs
from landcover.images.image_files import read_rgb
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_image
from landcover.models.model_file import load_model

OPTIONS = DrawingOptions(InferenceOptions(window=64), None, None, False, True, True, confidence=True)


@pytest.fixture
def images(tmp_path):
    """A georeferenced image and one that is not an image."""
    draw_pair(tmp_path, "a", 90, 70)
    write_geotiff(tmp_path / "a.tif", read_rgb(tmp_path / "a_sat.png").transpose(2, 0, 1))
    (tmp_path / "b.tif").write_bytes(b"no image")
    return {name: tmp_path / f"{name}.tif" for name in "ab"}


@pytest.mark.parametrize("name", MAP_FORMATS)
def test_each_format_keeps_the_labels_and_names_broken_images(name, images, model_file, tmp_path):
    model = load_model(model_file)
    jobs = plan_jobs(images, str(tmp_path / "out"), name, True, confidence=True)
    (line,) = draw_maps(model, jobs, OPTIONS)
    assert line.startswith(f"{images['b']}: ")
    labels = label_image(model, read_rgb(images["a"]), OPTIONS.inference)
    assert len(np.unique(labels)) > 1
    if MAP_FORMATS[name].is_georeferenced:
        with rasterio.open(jobs[0].mask) as file:
            assert (file.read(1) == labels).all()
            assert file.crs == "EPSG:32633"
    else:
        assert (read_rgb(jobs[0].mask) == model.classes.encode(labels)).all()
    assert [job.is_done() for job in jobs] == [True, False]
    assert jobs[0].mask.suffix == MAP_FORMATS[name].suffixes[0]
