from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from conftest import write_geotiff
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT

from landcover.rasters.stacks import open_files
from landcover.system.errors import LandcoverError

WEST, NORTH = 500_000, 5_000_000


def noise(height, width, dtype=np.uint16, seed=0):
    return np.random.default_rng(seed).integers(1, 200, (1, height, width)).astype(dtype)


def write(path, pixels, pixel=10, west=WEST, north=NORTH, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_geotiff(path, pixels, transform=from_origin(west, north, pixel, pixel), **options)[0]


def opened(*paths):
    return open_files(paths, Path("a_*.tif"))


def read(*paths):
    with opened(*paths) as dataset:
        return dataset.read()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
def test_files_of_one_grid_are_bands_of_one_raster(tmp_path, dtype):
    paths = [tmp_path / f"a_{band}.tif" for band in ("B02", "B03", "nir")]
    pixels = [write(path, noise(20, 30, dtype, seed)) for seed, path in enumerate(paths)]
    with opened(*paths) as dataset:
        assert dataset.descriptions == ("B02", "B03", "nir")
        assert (dataset.crs, dataset.transform) == ("EPSG:32633", from_origin(WEST, NORTH, 10, 10))
        assert set(dataset.dtypes) == {dtype}
        assert (dataset.read() == pixels).all()


def test_coarser_files_are_interpolated_to_the_grid_of_the_finest(tmp_path):
    fine, coarse = tmp_path / "a_B02.tif", tmp_path / "a_B05.tif"
    pixels, other = write(fine, noise(40, 60)), write(coarse, noise(20, 30, seed=1), 20)
    with opened(coarse, fine) as dataset:
        assert dataset.transform == from_origin(WEST, NORTH, 10, 10)
        assert (dataset.read(2) == pixels).all()
        found = dataset.read(1).astype(float)
        windows = [dataset.read(1, window=window) for _, window in _tiles(40, 60)]
        assert all((part == found[slices]).all() for part, (slices, _) in zip(windows, _tiles(40, 60), strict=True))
        target = {"crs": dataset.crs, "transform": dataset.transform, "height": 40, "width": 60}
    with rasterio.open(coarse) as file, WarpedVRT(file, resampling=Resampling.bilinear, **target) as warped:
        assert np.abs(found - warped.read(1))[1:-1, 1:-1].max() <= 1
    middle = found[::2, ::2] + found[1::2, ::2] + found[::2, 1::2] + found[1::2, 1::2]
    assert np.corrcoef(middle.ravel(), other.ravel())[0, 1] > 0.9


def _tiles(height, width):
    for top in range(0, height, 7):
        for left in range(0, width, 11):
            window = rasterio.windows.Window(left, top, min(11, width - left), min(7, height - top))
            yield window.toslices(), window


def test_pixels_without_data_stay_so_and_do_not_mix_with_others(tmp_path):
    fine, coarse, masked = (tmp_path / f"a_{band}.tif" for band in ("B02", "B05", "B06"))
    write(fine, noise(40, 60), nodata=7)
    pixels = noise(20, 30) + 1000
    pixels[0, :10] = 0
    write(coarse, pixels, 20, nodata=0)
    write(masked, noise(20, 30) + 1000, 20)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(masked, "r+") as file:
        file.write_mask(pixels[0] > 0)
    with opened(fine, coarse, masked) as dataset:
        masks, found = dataset.read_masks(), dataset.read()
        assert ((masks[0] > 0) == (found[0] != 7)).all()
        for band in (1, 2):
            assert not masks[band, :19].any() and masks[band, 20:].all()  # row 19 is interpolated from row 20
            assert found[band, masks[band] > 0].min() > 1000


def test_what_not_all_files_cover_is_cut_off(tmp_path):
    fine, coarse = tmp_path / "a_B8.tif", tmp_path / "a_B4.tif"
    pixels = write(fine, noise(41, 60), 15, WEST - 7.5, NORTH + 7.5)
    write(coarse, noise(20, 30, seed=1), 30)
    with opened(fine, coarse) as dataset:
        assert (dataset.height, dataset.width) == (41, 60)
    write(coarse, noise(20, 30, seed=1), 30, WEST + 22.4)
    with opened(fine, coarse) as dataset:
        assert (dataset.height, dataset.width) == (41, 58)
        assert dataset.transform == from_origin(WEST + 22.5, NORTH + 7.5, 15, 15)
        assert (dataset.read(1) == pixels[:, 2:]).all()


def test_the_folder_tells_the_sensor(tmp_path):
    folder = tmp_path / "S2A_MSIL2A_20230601T103629_N0509_R008_T32UNU_20230601T174558.SAFE"
    paths = [folder / f"T32UNU_{band}.tif" for band in ("B02", "B8A")]
    for path in paths:
        write(path, noise(4, 5))
    with opened(*paths) as dataset:
        assert dataset.tags()["PRODUCT"] == folder.name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crs": "EPSG:32632"}, r"its reference system, EPSG:32632, is not that of a_B02\.tif, EPSG:32633"),
        ({"crs": None}, r"its reference system, none, is not that of a_B02\.tif, EPSG:32633"),
        ({"west": WEST + 11}, r"does not cover the same ground as a_B02\.tif"),
        ({"west": WEST + 900}, r"does not cover the same ground as a_B02\.tif"),
        ({"pixel": 12}, r"does not cover the same ground as a_B02\.tif"),
        ({"pixels": noise(10, 30, np.uint8)}, r"its pixels are uint8, those of a_B02\.tif uint16\. .* one type"),
        ({"pixels": noise(10, 30).repeat(3, 0)}, "3 bands, where its name says that it is one band of several files"),
        ({"pixels": noise(10, 30), "photometric": "palette"}, "its pixels are indices into a palette"),
    ],
)
def test_files_that_do_not_fit_together_are_an_error_that_names_them(tmp_path, options, message):
    write(tmp_path / "a_B02.tif", noise(10, 30))
    write(tmp_path / "a_B03.tif", **{"pixels": noise(10, 30)} | options)
    if "photometric" in options:
        with rasterio.open(tmp_path / "a_B03.tif", "r+") as file:
            file.write_colormap(1, {0: (1, 2, 3, 255)})
    with pytest.raises(LandcoverError, match=rf"a_B03\.tif: {message}"):
        read(tmp_path / "a_B02.tif", tmp_path / "a_B03.tif")


def test_overviews_elsewhere_are_refused(tmp_path):
    paths = [tmp_path / f"a_{band}.tif" for band in ("B02", "B03")]
    for path in paths:
        write(path, noise(4, 5))
    with rasterio.open(paths[1], "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/vsicurl/http://127.0.0.1:9/a.tif")
    with pytest.raises(LandcoverError, match=r"a_B03\.tif: its overviews are in another file"):
        read(*paths)


def test_vrts_in_degrees_are_bands_too(tmp_path):
    paths = [tmp_path / f"a_{band}.vrt" for band in ("B02", "B03")]
    pixels = []
    for seed, path in enumerate(paths):
        plain = path.with_name(f"{seed} & more.tif")
        pixels.append(write(plain, noise(9, 7, seed=seed), 0.01, 8, 50, crs="EPSG:4326"))
        rasterio.shutil.copy(plain, path, driver="VRT")
    with opened(*paths) as dataset:
        assert (dataset.crs, dataset.transform) == ("EPSG:4326", from_origin(8, 50, 0.01, 0.01))
        assert (dataset.read() == pixels).all()
