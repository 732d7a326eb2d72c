import pytest

from landcover.images.band_names import UnclearBands, choose_bands

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
        (ONE_TO_SEVEN, {}, "other colours of Landsat 4 to 7 than"),
        (["B1", "B2", "B3"], {}, "other colours of Landsat 4 to 7 than"),
        (["B2", "B3", "B4"], {"SATELLITE": "GF-1"}, "unknown which bands of this sensor"),
        (["B4", "B5", "B6", "B7"], {"SENSOR_ID": "MSS"}, "unknown which bands of this sensor"),
        (
            ONE_TO_SEVEN,
            {"SATELLITE": "Landsat 8", "PRODUCT_ID": "LT05_x"},
            "unknown which bands of this sensor",
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
