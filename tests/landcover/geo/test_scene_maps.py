import numpy as np
import pytest
import rasterio
from conftest import write_geotiff

from landcover.geo.maps import predict_map
from landcover.geo.scene_maps import predict_scenes, scenes_to_map
from landcover.inference.options import InferenceOptions
from landcover.models.model_file import load_model
from landcover.system.errors import LandcoverError

OPTIONS = InferenceOptions(window=64)


@pytest.fixture
def scenes(tmp_path):
    """A folder of scenes: two years of `north`, and `south`."""
    rng = np.random.default_rng(0)
    for name in ("2019/north", "2019/south", "2020/north", "2020/east"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(1, 255, (3, 90, 70), dtype=np.uint8)
        pixels[:, 50:, 60:] = 0
        write_geotiff(tmp_path / "data" / f"{name}.tif", pixels, nodata=0)
    return tmp_path / "data"


def names(scenes):
    return [scene.name for scene in scenes]


def test_the_scenes_of_the_data_set_are_mapped_unless_others_are_named(scenes):
    assert names(scenes_to_map(scenes, "2019", None)) == ["north", "south"]
    assert names(scenes_to_map(scenes, "2019", "2019/s*.tif")) == ["south"]
    assert names(scenes_to_map(scenes, "2019", ["2019/north.tif", "2020/east.tif"])) == ["east", "north"]
    assert names(scenes_to_map(scenes, None, "2020", ["a"])) == ["east", "north"]
    assert scenes_to_map(scenes, None, None) == []


def test_no_map_gets_the_name_of_another_scenes_or_of_a_mask(scenes):
    with pytest.raises(
        LandcoverError, match=r"2020/north\.tif: .*2019/north\.tif has the same name\. .* from `inputs`"
    ):
        scenes_to_map(scenes, "2019", "2020")
    with pytest.raises(LandcoverError, match=r"2020/east\.tif: an image that validates has the same name\. Rename"):
        scenes_to_map(scenes, None, "2020", ["east"])


def test_errors_name_the_argument_that_named_no_scene(scenes):
    with pytest.raises(LandcoverError, match="Name another in `inputs`"):
        scenes_to_map(scenes, "2019", "2021")
    with pytest.raises(LandcoverError, match="Name another in `scenes`"):
        scenes_to_map(scenes, "2021", None)


def test_maps_are_cogs_with_their_legends_and_have_the_pixels_of_the_map_of_the_file(scenes, model_file, tmp_path):
    model = load_model(model_file)
    (tmp_path / "maps").mkdir()
    found = scenes_to_map(scenes, "2019", None)
    predict_scenes(model, found, tmp_path / "maps", OPTIONS)
    made = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert made == [f"{name}_mask{end}" for name in ("north", "south") for end in (".qml", ".tif", ".tif.aux.xml")]
    for scene in found:
        predict_map(model, scene.files[0], tmp_path / "one.tif", OPTIONS, cog=True)
        with (
            rasterio.open(tmp_path / "one.tif") as one,
            rasterio.open(tmp_path / f"maps/{scene.name}_mask.tif") as file,
        ):
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            np.testing.assert_array_equal(file.read(1), one.read(1))
            assert (file.crs, file.transform) == (one.crs, one.transform)


def test_all_scenes_that_cannot_be_mapped_are_named(scenes, model_file, tmp_path):
    for name in ("north", "south"):
        write_geotiff(scenes / f"2019/{name}.tif", np.zeros((3, 5, 5), np.uint16))
    with pytest.raises(LandcoverError) as error:
        predict_scenes(load_model(model_file), scenes_to_map(scenes, "2019", None), tmp_path, OPTIONS)
    assert [line.partition(": ")[0] for line in error.value.lines] == [
        str(scenes / f"2019/{name}.tif") for name in ("north", "south")
    ]
