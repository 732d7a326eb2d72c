import pytest
from catalogs import item

from landcover.geo.stac_access import item_of
from landcover.geo.stac_assets import Units, find_assets
from landcover.system.errors import LandcoverError

TIFF, JP2 = "image/tiff; application=geotiff", "image/jp2"
RGB = ("red", "green", "blue")
OFFSET = {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]}


def asset(href, *bands, kind=TIFF, roles=("data",), **more):
    named = [dict(zip(("name", "common_name"), band, strict=True)) for band in bands]
    return {"href": f"./{href}", "type": kind, "roles": list(roles)} | ({"eo:bands": named} if named else {}) | more


def found(tmp_path, assets, wanted=RGB, dtype="uint16", **properties):
    content = {"type": "Feature", "stac_version": "1.0.0", "id": "a", "geometry": None, "links": [], "assets": assets}
    content["properties"] = {"datetime": "2024-06-01T00:00:00Z", **properties}
    return find_assets(item_of(content, tmp_path / "a.json"), wanted, dtype)


def names(chosen):
    return [file.name for file in chosen.files]


def test_each_band_in_its_own_asset(tmp_path):
    chosen = find_assets(item_of(item(tmp_path, "a"), tmp_path / "a" / "item.json"), ("nir", "swir16", "red"), "uint16")
    assert names(chosen) == ["B08.tif", "B11.tif", "B04.tif"]
    assert chosen.bands == (1, 2, 3)
    assert set(chosen.units) == {Units(0.0001, 0)}


def test_all_bands_in_one_asset_by_number(tmp_path):
    image = asset("n.tif", ("b1", "blue"), ("b2", "green"), ("b3", "red"), ("b4", "nir"))
    chosen = found(tmp_path, {"image": image}, ("red", "green", "blue", "nir"), "uint8")
    assert (names(chosen), chosen.bands) == (["n.tif"], (3, 2, 1, 4))


def test_bands_of_stac_1_1(tmp_path):
    bands = [{"name": "b1", "eo:common_name": "blue"}, {"name": "b2", "eo:common_name": "red", "raster:scale": 0.1}]
    chosen = found(tmp_path, {"data": {"href": "./d.tif", "type": TIFF, "bands": bands}}, ("red", "blue"))
    assert chosen.bands == (2, 1)
    assert chosen.units[0] == Units(0.1, 0)


@pytest.mark.parametrize(("dtype", "expected"), [("uint8", ["TCI.tif"]), ("uint16", ["B04.tif", "B03.tif", "B02.tif"])])
def test_of_a_visual_asset_and_bands_the_one_of_the_model_s_pixels_is_taken(tmp_path, dtype, expected):
    content = item(tmp_path, "a")
    colours = [("B04", "red"), ("B03", "green"), ("B02", "blue")]
    content["assets"]["visual"] = asset("TCI.tif", *colours, roles=["visual"])
    chosen = find_assets(item_of(content, tmp_path / "a" / "item.json"), RGB, dtype)
    assert names(chosen) == expected


def test_of_a_band_in_several_files_a_tiff_and_the_finest_is_taken(tmp_path):
    assets = {
        "B04_20m": asset("B04_20m.tif", ("B04", "red"), gsd=20),
        "B04_10m": asset("B04_10m.tif", ("B04", "red"), gsd=10),
    }
    assets["red-jp2"] = asset("B04.jp2", ("B04", "red"), kind=JP2)
    assert names(found(tmp_path, assets, ("red",))) == ["B04_10m.tif"]


def test_numbers_by_the_sensor_that_the_item_names(tmp_path):
    assets = {key: asset(f"{key}.TIF") for key in ("SR_B2", "SR_B3", "SR_B4", "SR_B5")}
    chosen = found(tmp_path, assets, ("red", "nir"), platform="landsat-8", instruments=["oli"])
    assert names(chosen) == ["SR_B4.TIF", "SR_B5.TIF"]
    chosen = found(
        tmp_path, {key: asset(f"{key}.tif") for key in ("B04", "B08", "B8A")}, ("red", "nir"), platform="S2A"
    )
    assert names(chosen) == ["B04.tif", "B08.tif"]


def test_an_asset_that_tells_nothing_is_left_to_its_file(tmp_path):
    assert found(tmp_path, {"data": asset("d.tif")}).bands is None


def test_a_missing_band_is_an_error_that_lists_the_assets(tmp_path):
    with pytest.raises(LandcoverError, match=r"no assets for the bands lwir11 .*It has: red \(red\), green") as error:
        find_assets(item_of(item(tmp_path, "a"), tmp_path / "a" / "item.json"), ["lwir11"], "uint16")
    assert len(error.value.lines) == 1


@pytest.mark.parametrize(
    ("more", "properties", "expected"),
    [
        ({"raster:bands": [{"scale": 0.0001, "offset": -0.1}]}, {}, Units(0.0001, -1000)),
        (
            {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]},
            {"earthsearch:boa_offset_applied": True},
            Units(0.0001, 0),
        ),
        ({}, {"s2:processing_baseline": "05.10"}, Units(None, -1000)),
        ({}, {"s2:processing_baseline": "03.01"}, Units(None, 0)),
        ({"raster:scale": 2, "raster:offset": 4}, {}, Units(2, 2)),
    ],
)
def test_units_of_the_values(tmp_path, more, properties, expected):
    chosen = found(tmp_path, {"red": asset("r.tif", ("B04", "red"), **more)}, ("red",), **properties)
    assert chosen.units == (expected,)
