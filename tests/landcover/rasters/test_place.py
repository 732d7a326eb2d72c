import numpy as np
import pytest
import rasterio
from conftest import landcover, write_geotiff
from hits import scene
from rasterio.rpc import RPC

from landcover.rasters.raster import open_raster
from landcover.system.errors import LandcoverError


def beside(path, srs="EPSG:32633", transform="500000, 10, 0, 5000000, 0, -10"):
    """An .aux.xml beside an image."""
    text = f"<PAMDataset><SRS>{srs}</SRS><GeoTransform>{transform}</GeoTransform></PAMDataset>"
    path.with_name(f"{path.name}.aux.xml").write_text(text)


def system(spheroid, is_projected=False):
    degrees = f'GEOGCS["x",DATUM["d",SPHEROID["s",{spheroid}]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
    if not is_projected:
        return degrees
    return (
        f'PROJCS["p",{degrees},PROJECTION["Transverse_Mercator"],PARAMETER["central_meridian",15],'
        'PARAMETER["scale_factor",0.9996],UNIT["metre",1]]'
    )


@pytest.mark.parametrize("is_projected", [False, True])
@pytest.mark.parametrize("spheroid", ["0,0", "-1,-5", "6378137,-298", "6378137,1", "inf,298", "nan,nan", "a,b"])
def test_an_impossible_spheroid_is_an_error_of_that_file_alone(tmp_path, model_file, spheroid, is_projected):
    for name in "abc":
        scene(tmp_path / f"{name}.tif")
    beside(tmp_path / "b.tif", system(spheroid, is_projected))
    done = landcover("predict", "a.tif", "b.tif", "c.tif", "-m", model_file, "-o", "out", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: b.tif: not readable as an image (")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "out").glob("*.tif")) == ["a_mask.tif", "c_mask.tif"]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400"])
@pytest.mark.parametrize("position", [0, 1, 5])
def test_a_transform_that_is_not_finite_is_an_error(tmp_path, number, position):
    transform = ["500000", "10", "0", "5000000", "0", "-10"]
    transform[position] = number
    write_geotiff(tmp_path / "a.tif", np.ones((3, 20, 20), np.uint8), crs=None, transform=None)
    beside(tmp_path / "a.tif", transform=", ".join(transform))
    message = r"a\.tif: its geotransform has values that are not finite\. Correct"
    with pytest.raises(LandcoverError, match=message), open_raster(tmp_path / "a.tif"):
        pass


@pytest.mark.parametrize("cog", ["gtiff", "cog"])
def test_rational_polynomial_coefficients_go_on_to_the_map(tmp_path, model_file, cog):
    coefficients = [1.0, *(i / 100 for i in range(19))]
    terms = {f"{part}_{kind}_coeff": coefficients for part in ("line", "samp") for kind in ("num", "den")}
    offsets = {f"{part}_off": 10.0 for part in ("height", "lat", "line", "long", "samp")}
    scales = {f"{part}_scale": 20.0 for part in ("height", "lat", "line", "long", "samp")}
    rpcs = RPC(**terms, **offsets, **scales, err_bias=0.5, err_rand=0.25)
    write_geotiff(tmp_path / "a.tif", np.ones((3, 40, 50), np.uint8), crs=None, transform=None, rpcs=rpcs)
    command = ("predict", "a.tif", "-m", model_file, "-o", "out", "--format", cog, "--probabilities")
    done = landcover(*command, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("a_mask.tif", "a_probabilities.tif"):
        with rasterio.open(tmp_path / "out" / name) as file:
            assert file.rpcs.to_dict() == rpcs.to_dict()


def test_a_map_at_a_path_that_is_not_utf_8_is_an_error_in_one_line(tmp_path, model_file):
    scene(tmp_path / "a.tif")
    done = landcover(
        "predict", "a.tif", "-m", model_file, "-o", b"\xff".decode("utf-8", "surrogateescape"), folder=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: \\udcff: not UTF-8, as names of rasters must be.")
