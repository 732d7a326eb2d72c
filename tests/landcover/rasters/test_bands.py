import numpy as np
import pytest
import rasterio
from conftest import landcover, write_geotiff
from PIL import Image
from rasterio.enums import ColorInterp

from landcover.images.image_files import read_rgb
from landcover.rasters.raster import open_raster
from landcover.system.errors import LandcoverError


def write(path, count, names=(), dtype=np.uint16, colours=None, tags=None, **options):
    pixels = np.random.default_rng(0).integers(1, 255, size=(count, 20, 30)).astype(dtype)
    write_geotiff(path, pixels, **options)
    with rasterio.open(path, "r+") as file:
        for band, name in enumerate(names, 1):
            file.set_band_description(band, name)
        if colours:
            file.colorinterp = [ColorInterp[colour] for colour in colours]
        file.update_tags(**(tags or {}))
    return pixels


def bands(path, **options):
    with open_raster(path, stretch="image", **options) as raster:
        return raster.bands


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["B2", "B3", "B4", "B8", "B11", "B12"], [3, 2, 1]),
        (["Blue", "Green", "Red", "NIR", "SWIR1", "SWIR2"], [3, 2, 1]),
        ([f"B{i}" for i in range(1, 9)] + ["B8A", "B9", "B10", "B11", "B12"], [4, 3, 2]),
        (["nir", "red", "green", "blue"], [2, 3, 4]),
        (["B2", "B3", "B4"], [3, 2, 1]),
    ],
)
def test_names_count_before_colours_that_gdal_makes_up(tmp_path, names, taken, dtype):
    write(tmp_path / "a.tif", len(names), names, dtype)
    assert bands(tmp_path / "a.tif") == taken
    write(tmp_path / "a.tif", len(names), names, dtype, photometric="rgb")
    assert bands(tmp_path / "a.tif") == taken


def test_the_sensor_in_the_tags_counts(tmp_path):
    names = [f"SR_B{i}" for i in range(1, 8)]
    write(tmp_path / "a.tif", 7, names, tags={"SPACECRAFT_ID": "LANDSAT_8"})
    assert bands(tmp_path / "a.tif") == [4, 3, 2]
    write(tmp_path / "a.tif", 7, names, tags={"SPACECRAFT_ID": "LANDSAT_5"})
    assert bands(tmp_path / "a.tif") == [3, 2, 1]
    write(tmp_path / "LC08_L2SP_192027_20200101.tif", 7, names)
    assert bands(tmp_path / "LC08_L2SP_192027_20200101.tif") == [4, 3, 2]


def test_colours_that_the_file_itself_tells_count(tmp_path):
    write(tmp_path / "a.tif", 5, colours=["undefined", "blue", "green", "red", "undefined"])
    assert bands(tmp_path / "a.tif") == [4, 3, 2]
    write(tmp_path / "a.tif", 3, photometric="rgb")
    assert bands(tmp_path / "a.tif") == [1, 2, 3]


def test_grey_may_have_alpha(tmp_path):
    write(tmp_path / "a.tif", 2, dtype=np.uint8, alpha="yes")
    assert bands(tmp_path / "a.tif") == [1, 1, 1]


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (2, {}),
        (3, {}),
        (4, {}),
        (5, {"dtype": np.uint8}),
        (6, {"dtype": np.uint8, "photometric": "rgb"}),
        (13, {}),
        (7, {"names": [f"B{i}" for i in range(1, 8)]}),
        (3, {"names": ["nir", "red", "green"], "dtype": np.uint8}),
    ],
)
def test_bands_of_which_none_tells_are_listed(tmp_path, count, options):
    write(tmp_path / "a.tif", count, **options)
    with pytest.raises(
        LandcoverError, match=rf"a\.tif: it is not clear which of its {count} bands .*Bands: 1 .*, 2 .*--bands"
    ) as error:
        bands(tmp_path / "a.tif")
    for name in options.get("names", ()):
        assert repr(name) in str(error.value)
    assert "\n" not in str(error.value)
    assert bands(tmp_path / "a.tif", bands=[2, 1, 2]) == [2, 1, 2]


def test_a_name_that_is_not_utf_8_is_none(tmp_path):
    write(tmp_path / "a.tif", 3, ["xxxx", "B3", "B4"], np.uint8)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content.replace(b"xxxx", b"\xff\xfe\xfd\xfc"))
    assert bands(tmp_path / "a.tif") == [1, 2, 3]


def test_what_was_decided_is_said_once_a_run(tmp_path, model_file):
    names = ["B2", "B3", "B4", "B8"]
    for name in "ab":
        write(tmp_path / f"{name}.tif", 4, names)
    command = ("predict", "a.tif", "b.tif", "-m", model_file, "--stretch", "image", "-o")
    done = landcover(*command, "out", folder=tmp_path)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("note: a.tif: by their names, bands 3 (B4), 2 (B3), 1 (B2) are used as red, green and blue")
    with rasterio.open(tmp_path / "out" / "a_mask.tif") as file:
        tags = file.tags()
    assert (tags["BANDS"], tags["STRETCH"]) == ("3,2,1", "2,98")
    assert landcover(*command, "quiet", "--quiet", folder=tmp_path).stderr == ""
    assert landcover(*command, "told", "--bands", "3,2,1", folder=tmp_path).stderr == ""
    assert landcover(*command, "named", "--bands", "B4,b3,B02", folder=tmp_path).stderr == ""


@pytest.mark.parametrize(
    ("count", "options", "what"),
    [
        (5, {}, "5 bands"),
        (6, {}, "6 bands"),
        (3, {"names": ["B2", "B3", "B4"]}, "red, green and blue as bands 3, 2 and 1"),
        (4, {"names": ["nir", "red", "green", "blue"]}, "red, green and blue as bands 2, 3 and 4"),
        (3, {"names": ["nir", "red", "green"]}, "bands that cannot be told apart as red, green and blue"),
    ],
)
def test_bands_that_pillow_would_take_for_others_are_an_error(tmp_path, count, options, what):
    write(tmp_path / "a.tif", count, dtype=np.uint8, photometric="rgb", **options)
    assert Image.open(tmp_path / "a.tif").mode in ("RGB", "RGBA")
    with pytest.raises(LandcoverError, match=rf"a\.tif: a TIFF with {what}.*--format gtiff --bands"):
        read_rgb(tmp_path / "a.tif")


@pytest.mark.parametrize("names", [[], ["Red", "Green", "Blue"], ["B4", "B3", "B2"], ["Red", "Green", "Blue", "NIR"]])
def test_bands_in_the_order_of_rgb_are_read_by_pillow(tmp_path, names):
    pixels = write(tmp_path / "a.tif", len(names) or 3, names, np.uint8)
    assert (read_rgb(tmp_path / "a.tif") == pixels[:3].transpose(1, 2, 0)).all()


def test_a_tiff_that_pillow_does_not_read_is_said_to_be_one(tmp_path):
    write(tmp_path / "a.tif", 6)
    with pytest.raises(LandcoverError, match=r"a\.tif: not readable as an image \(.*--format gtiff"):
        read_rgb(tmp_path / "a.tif")
