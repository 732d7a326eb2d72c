import numpy as np
import pytest
import rasterio
from conftest import write_geotiff
from PIL import Image

from landcover.rasters.images import open_image
from landcover.system.errors import LandcoverError


def raster(path, count, dtype, names=(), **options):
    pixels = np.random.default_rng(0).integers(1, 200, size=(count, 13, 9)).astype(dtype)
    write_geotiff(path, pixels, **options)
    with rasterio.open(path, "r+") as file:
        for band, name in enumerate(names, 1):
            file.set_band_description(band, name)
    return pixels


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("count", [1, 4, 13])
def test_bands_come_in_their_own_type_in_strips(tmp_path, count, dtype):
    pixels = raster(tmp_path / "a.tif", count, dtype)
    wanted = list(range(count, 0, -1))
    with open_image(tmp_path / "a.tif", wanted) as image:
        assert (image.height, image.width, image.dtype) == (13, 9, np.dtype(dtype))
        strips = [image.read(0, 5), image.read(5, 13)]
        assert strips[0].dtype == np.dtype(dtype)
        assert (np.concatenate(strips) == pixels[::-1].transpose(1, 2, 0)).all()
        assert image.valid_mask(0, 13) is None or image.valid_mask(0, 13).all()


def test_bands_are_found_and_called_by_name(tmp_path):
    pixels = raster(tmp_path / "a.tif", 4, "uint16", ["B2", "B3", "B4", "B8"])
    for wanted in (["Red", "nir"], ["B4", "b08"]):
        with open_image(tmp_path / "a.tif", wanted) as image:
            assert (image.read(0, 13) == pixels[[2, 3]].transpose(1, 2, 0)).all()
            assert image.names == (("red", "nir") if wanted[0] == "Red" else ("B4", "b08"))
    with open_image(tmp_path / "a.tif", [3, 1]) as image:
        assert image.names == ("B4", "B2")


def test_bands_that_gdal_interprets_need_no_names(tmp_path):
    raster(tmp_path / "a.tif", 4, "uint16", photometric="rgb")
    with open_image(tmp_path / "a.tif", ["blue", "red"]) as image:
        assert image.bands == [3, 1]
    with open_image(tmp_path / "a.tif", [1, 4]) as image:
        assert image.names == ("red", "band 4")


def test_ordinary_images_and_rasters_without_a_choice_are_read_as_rgb(tmp_path):
    rgb = np.random.default_rng(0).integers(256, size=(6, 5, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    Image.fromarray(rgb).save(tmp_path / "a.tif")
    for name, bands in [("a.png", None), ("a.png", ["red", "green", "blue"]), ("a.tif", None)]:
        with open_image(tmp_path / name, bands) as image:
            assert (image.height, image.width, image.dtype) == (6, 5, np.uint8)
            assert image.names == ("red", "green", "blue")
            assert (image.read(2, 6) == rgb[2:]).all()
            assert image.valid_mask(0, 6) is None
    with open_image(tmp_path / "a.tif", ["red", "green", "blue"]) as image:
        assert (image.read(2, 6) == rgb[2:]).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_pixel_has_data_where_all_bands_have_except_in_8_bit_rgb(tmp_path, dtype):
    pixels = raster(tmp_path / "a.tif", 3, dtype, photometric="rgb", nodata=0)
    pixels[:, 2, 3] = 0
    pixels[0, 4, 5] = 0
    write_geotiff(tmp_path / "a.tif", pixels, photometric="rgb", nodata=0)
    for bands in (["red", "green", "blue"], ["red", "blue"]):
        with open_image(tmp_path / "a.tif", bands) as image:
            invalid = np.argwhere(~image.valid_mask(0, 13)).tolist()
        assert invalid == ([[2, 3]] if dtype == "uint8" and len(bands) == 3 else [[2, 3], [4, 5]])


def test_what_is_not_finite_is_no_data(tmp_path):
    pixels = np.ones((2, 4, 5), np.float32)
    pixels[0, 1, 2], pixels[1, 3, 4] = np.nan, np.inf
    write_geotiff(tmp_path / "a.tif", pixels)
    with open_image(tmp_path / "a.tif", [1, 2]) as image:
        assert np.argwhere(~image.valid_mask(0, 4)).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["nir"], r"nothing tells which is nir; wanted: nir; the file has: 1 'red', 2 'green'"),
        ([3], r"there is no band 3; wanted: band 3"),
        (["red", 1], r"red and 1 are the same band"),
    ],
)
def test_missing_bands_are_refused_with_both_lists(tmp_path, wanted, message):
    raster(tmp_path / "a.tif", 2, "uint16", ["red", "green"])
    with pytest.raises(LandcoverError, match=rf"a\.tif: its bands are not those that are wanted \({message}"):
        open_image(tmp_path / "a.tif", wanted).__enter__()


@pytest.mark.parametrize("dtype", ["complex64", "int64"])
def test_other_types_are_refused(tmp_path, dtype):
    raster(tmp_path / "a.tif", 2, dtype)
    with pytest.raises(LandcoverError, match=r"a\.tif: its pixels are .*\. Convert them to"):
        open_image(tmp_path / "a.tif", [1]).__enter__()


def test_bands_of_several_types_are_refused(tmp_path):
    source = "<SimpleSource><SourceFilename relativeToVRT='1'>{}.tif</SourceFilename></SimpleSource>"
    bands = ""
    for band, dtype, name in ((1, "Byte", "uint8"), (2, "Float32", "float32")):
        raster(tmp_path / f"{name}.tif", 1, name)
        bands += f"<VRTRasterBand dataType='{dtype}' band='{band}'>{source.format(name)}</VRTRasterBand>"
    (tmp_path / "a.vrt").write_text(f"<VRTDataset rasterXSize='9' rasterYSize='13'>{bands}</VRTDataset>")
    with pytest.raises(LandcoverError, match=r"a\.vrt: its bands are of several types: float32, uint8\. Convert"):
        open_image(tmp_path / "a.vrt", [1, 2]).__enter__()
    with open_image(tmp_path / "a.vrt", [2]) as image:
        assert image.dtype == np.float32
