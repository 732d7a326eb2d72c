import numpy as np
import pytest
import rasterio
from conftest import write_geotiff
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from landcover.rasters.access import open_dataset
from landcover.rasters.cropping import window_of
from landcover.rasters.stacks import open_files
from landcover.system.errors import LandcoverError

PIXELS = np.arange(3 * 40 * 50, dtype=np.uint16).reshape(3, 40, 50)


def box(left, top, right, bottom):
    """A box in degrees within columns and rows of a raster that `write_geotiff` writes."""
    return transform_bounds(
        "EPSG:32633",
        "EPSG:4326",
        500_000 + left * 10,
        5_000_000 - bottom * 10,
        500_000 + right * 10,
        5_000_000 - top * 10,
    )


def cropped(path, where):
    with open_files([path], path, box=where) as part:
        return part.read(), part.read_masks(), part.transform, part.descriptions


def test_a_part_has_the_pixels_names_masks_and_place_of_the_whole(tmp_path):
    path = tmp_path / "a.tif"
    write_geotiff(path, PIXELS, nodata=2)
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("red", "green", "blue")
    pixels, masks, transform, names = cropped(path, box(10.4, 5.2, 20.6, 12.5))
    with open_dataset(path) as whole:
        assert np.array_equal(pixels, whole.read()[:, 5:13, 10:21])
        assert np.array_equal(masks, whole.read_masks()[:, 5:13, 10:21])
        assert transform == whole.transform * rasterio.Affine.translation(10, 5)
    assert names == ("red", "green", "blue")


def test_files_of_several_resolutions_are_cropped_as_one(tmp_path):
    files = [tmp_path / "B02.tif", tmp_path / "B11.tif"]
    write_geotiff(files[0], PIXELS[:1])
    write_geotiff(files[1], PIXELS[:1, ::2, ::2], transform=from_origin(500_000, 5_000_000, 20, 20))
    with open_files(files, tmp_path) as whole:
        expected = whole.read()[:, 6:20, 8:30]
    with open_files(files, tmp_path, box=box(8.1, 6.1, 29.9, 19.9)) as part:
        assert np.array_equal(part.read(), expected)


def test_a_box_that_holds_all_changes_nothing_and_one_elsewhere_is_an_error(tmp_path):
    path = tmp_path / "a.tif"
    write_geotiff(path, PIXELS)
    assert cropped(path, (0, 40, 30, 50))[0].shape == PIXELS.shape
    with pytest.raises(LandcoverError, match="nothing of it lies within --bbox 0,0,1,1"):
        cropped(path, (0, 0, 1, 1))
    write_geotiff(path, PIXELS, crs=None)
    with pytest.raises(LandcoverError, match="does not tell where it lies"):
        cropped(path, (0, 0, 1, 1))


def test_a_box_across_the_180th_meridian(tmp_path):
    path = tmp_path / "a.tif"
    write_geotiff(path, PIXELS, crs="EPSG:4326", transform=from_origin(175, 10, 0.2, 0.2))
    with open_dataset(path) as whole:
        window = window_of(whole, (178.0, 4.0, -178.0, 8.0), path)
    assert (window.col_off, window.width, window.row_off, window.height) == (15, 20, 10, 20)
