import pytest

from landcover.images.band_names import UnclearBands, band_name, choose_bands, find_bands

SENTINEL_2 = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"]
ONE_TO_SEVEN = SENTINEL_2[:7]


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["Blue", "Green", "Red", "NIR"], (3, 2, 1)),
        (["red band", "GREEN BAND", "Blue (490 nm)"], (1, 2, 3)),
        (["B", "G", "R", "N"], (3, 2, 1)),
        (["B02 - Blue", "B03 - Green", "B04 - Red"], (3, 2, 1)),
        (["rededge", "Red Edge", "red-edge 2", "red", "green", "blue", "near infra-red"], (4, 5, 6)),
        (["coastal_blue", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"], (6, 4, 2)),
        (["B2", "B3", "B4", "B8", "B11", "B12"], (3, 2, 1)),
        (["B4", "B3", "B2"], (1, 2, 3)),
        (SENTINEL_2, (4, 3, 2)),
        (["B01", "B02", "B03", "B04"], (4, 3, 2)),
        (
            ["B4, central wavelength 665 nm", "B3, central wavelength 560 nm", "B2, central wavelength 490 nm"],
            (1, 2, 3),
        ),
        (["S2 B4", "S2 B3", "S2 B2"], (1, 2, 3)),
        (["SR_B2", "SR_B3", "SR_B4", "SR_B5"], (3, 2, 1)),
        (["LT05_B1", "LT05_B2", "LT05_B3"], (3, 2, 1)),
        (["LC08_B1", "LC08_B2", "LC08_B3", "LC08_B4"], (4, 3, 2)),
        (["sur_refl_b01", "sur_refl_b02", "sur_refl_b03", "sur_refl_b04"], (1, 4, 3)),
        (["Band 1", "Band 2", "Band 3"], None),
        (["lyr.1", "lyr.2", "lyr.3"], None),
        (["VV", "VH", "ratio"], None),
        ([None, "", None], None),
    ],
)
def test_names_tell_the_bands(names, taken):
    assert choose_bands(names, {}) == taken


@pytest.mark.parametrize(
    ("tags", "taken"),
    [
        ({"SPACECRAFT_ID": "LANDSAT_8", "SENSOR_ID": "OLI_TIRS"}, (4, 3, 2)),
        ({"PRODUCT_URI": "S2A_MSIL2A_20200101T100031_N0213_R122_T32TQM.SAFE"}, (4, 3, 2)),
        ({"satellite": "Sentinel-2B"}, (4, 3, 2)),
        ({"SATELLITEID": "LANDSAT_9"}, (4, 3, 2)),
        ({"SENSOR_ID": "TM", "SPACECRAFT_ID": "LANDSAT_5"}, (3, 2, 1)),
        ({"PLATFORM": "Landsat 7", "INSTRUMENT": "ETM+"}, (3, 2, 1)),
        ({"LANDSAT_PRODUCT_ID": "LE07_L1TP_192027_20000101_01_T1"}, (3, 2, 1)),
    ],
)
def test_the_sensor_tells_what_numbers_mean(tags, taken):
    assert choose_bands(ONE_TO_SEVEN, tags) == taken
    assert choose_bands([f"Band {number}" for number in range(1, 8)], tags) == taken


@pytest.mark.parametrize(
    ("names", "tags", "why"),
    [
        (ONE_TO_SEVEN, {}, "B1 mean different bands if the sensor is Sentinel-2 or Landsat 8 and 9 or Landsat 4"),
        (["B1", "B2", "B3"], {}, "B1 mean different bands if the sensor is Sentinel-2 or Landsat 8 and 9 or Landsat 4"),
        (["B2", "B3", "B4"], {"SATELLITE": "GF-1"}, "unknown which bands of this sensor"),
        (["B4", "B5", "B6", "B7"], {"SENSOR_ID": "MSS"}, "unknown which bands of this sensor"),
        (
            ONE_TO_SEVEN,
            {"SATELLITE": "Landsat 8", "PRODUCT_ID": "LT05_x"},
            "different bands if the sensor is Landsat 8 and 9 or Landsat 4 to 7",
        ),
        (["B4", "B3", "B2", "B4"], {}, "several are called B4"),
        (["B8", "B4", "B3"], {}, "none is called B2"),
        (["red", "red", "green", "blue"], {}, "several are called red"),
        (["nir", "red", "green"], {}, "do not tell all three"),
        (["swir", "nir", "coastal"], {}, "do not tell all three"),
    ],
)
def test_what_names_do_not_tell_is_no_guess(names, tags, why):
    with pytest.raises(UnclearBands, match=why):
        choose_bands(names, tags)


def test_wavelengths_tell_where_names_do_not():
    assert choose_bands([None] * 4, {}, [490, 560, 665, 842]) == (3, 2, 1)
    assert choose_bands([None] * 4, {}, [490, 560, 665, 670]) is None
    assert choose_bands(["B2", "B3", "B4"], {}, [665, 560, 490]) == (3, 2, 1)


def test_numbers_are_those_of_the_file():
    assert find_bands([3, 1], ["a", "b", "c"], {}) == [3, 1]
    with pytest.raises(UnclearBands, match=r"there is no band 4; wanted: band 4, x; the file has: 1 'a', 2"):
        find_bands([4, "x"], ["a", None], {})


@pytest.mark.parametrize(
    ("wanted", "names", "tags", "found"),
    [
        (["red", "nir"], ["NIR", "RED"], {}, [2, 1]),
        (["Red Edge 1", "nir"], ["red-edge 1", "nir", "red"], {}, [1, 2]),
        (["B8A", "B4"], ["B04 - Red", "B8", "B8A"], {}, [3, 1]),
        (["b4", "B12"], SENTINEL_2, {}, [4, 13]),
        (["red", "nir", "swir16", "rededge071", "nir08"], SENTINEL_2, {}, [4, 8, 12, 5, 9]),
        (["red", "nir"], ["B2", "B3", "B4", "B8"], {}, [3, 4]),
        (
            ["coastal", "nir08", "swir22", "lwir11"],
            ["SR_B1", "SR_B5", "SR_B7", "ST_B10"],
            {"x_ID": "LC08_x"},
            [1, 2, 3, 4],
        ),
        (["nir", "swir22"], ONE_TO_SEVEN, {"SPACECRAFT_ID": "LANDSAT_5"}, [4, 7]),
        (["nir", "swir16"], ["near infrared (0.84 um)", "SWIR 1 (1.61 um)", "SWIR 2"], {}, [1, 2]),
        (["pan", "coastal", "cirrus"], ["Panchromatic", "Coastal aerosol", "Cirrus"], {}, [1, 2, 3]),
        (["lwir11", "lwir12", "yellow"], ["TIRS 1", "TIRS 2", "Yellow"], {}, [1, 2, 3]),
        (["rededge075", "red"], ["B6 Red Edge 2", "Red"], {}, [1, 2]),
        (["SWIR1"], ["swir 1600 nm", "B11", "B8A"], {}, [2]),
        (["band 2", "band 1"], [None, None, None], {}, [2, 1]),
        (["band 2"], ["Band 1", "Band 2"], {}, [2]),
        (["elevation", "red"], ["Elevation (m)", "elevation", "red"], {}, [2, 3]),
    ],
)
def test_names_find_bands(wanted, names, tags, found):
    assert find_bands(wanted, names, tags) == found


@pytest.mark.parametrize(
    ("wanted", "names", "why"),
    [
        (["red", "nir"], ["red", "green", "blue"], "nothing tells which is nir"),
        (["nir"], ["B4", "B5"], "different bands if the sensor is Sentinel-2 or Landsat 8"),
        (["nir"], ["nir_qa", "nir ratio"], "nothing tells"),
        (["rededge"], ["red", "green"], "nothing tells"),
        (["elevation"], ["red"], "none is called elevation"),
        (["nir"], ["NIR", "nir"], "several are called nir"),
        (["nir"], ["B8 - NIR", "near-infrared"], "several are called nir"),
        (["B4"], ["SR_B4", "B04"], "several are called B4"),
        (["B4", "red"], ["B4 - Red", "B5"], "B4 and red are the same band"),
        (["band 1"], ["red", "green"], "none is called band 1"),
        (["band 3"], [None, None], "none is called band 3"),
    ],
)
def test_bands_that_are_missing_or_ambiguous_are_errors_with_both_lists(wanted, names, why):
    with pytest.raises(UnclearBands, match=rf"{why}.*; wanted: {wanted[0]}.*; the file has: 1"):
        find_bands(wanted, names, {})


def test_wavelengths_tell_any_band():
    assert find_bands(["nir", "swir22"], [None] * 3, {}, [2200, None, 842]) == [3, 1]


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (["B4 - Red", "x"], "red"),
        (["B4", "x"], "B4"),
        ([None, "x"], "band 1"),
        (["Band 1", "Band 2"], "band 1"),
        (["red", "Red"], "band 1"),
    ],
)
def test_a_band_that_is_wanted_by_number_has_a_name(names, called):
    assert band_name(1, names) == called
