from pathlib import Path

import pytest

from landcover.rasters.band_files import band_file

LANDSAT = "LC08_L2SP_193024_20230610_20230614_02_T1"


@pytest.mark.parametrize(
    ("name", "scene", "band", "metres"),
    [
        ("T32UNU_20230601T103629_B02_10m.jp2", "T32UNU_20230601T103629", "B02", 10),
        ("R20m/T32UNU_20230601T103629_B8A.jp2", "T32UNU_20230601T103629", "B8A", 20),
        (f"{LANDSAT}_SR_B4.TIF", LANDSAT, "SR_B4", float("inf")),
        (f"{LANDSAT}_ST_B10.TIF", LANDSAT, "ST_B10", float("inf")),
        ("HLS.S30.T32UNU.2023150T103629.v2.0.B11.tif", "HLS.S30.T32UNU.2023150T103629.v2.0", "B11", float("inf")),
        ("red.tif", "", "red", float("inf")),
        ("a-swir16.tif", "a", "swir16", float("inf")),
        ("2021_red_edge_x.tif", "2021_x", "red_edge", float("inf")),
        ("a_B04_red.tif", "a", "B04_red", float("inf")),
        ("a_band_4.tif", "a", "band_4", float("inf")),
        ("red_river_nir.tif", "red_river", "nir", float("inf")),
        ("Red_Sea.tif", "Sea", "Red", float("inf")),
        ("S1A_IW_VV.tif", "S1A_IW", "VV", float("inf")),
    ],
)
def test_names_tell_scene_band_and_resolution(name, scene, band, metres):
    found = band_file(Path(name))
    assert (found.scene, found.band, found.metres) == (scene, band, metres)


OTHERS = [
    "earth.tif",
    "tile_12.tif",
    "a_b.tif",
    "b123.tif",
    "a_R.tif",
    "blub4.tif",
    "a_B4_QA.tif",
    "MSK_CLASSI_B00.jp2",
]


@pytest.mark.parametrize("name", OTHERS)
def test_other_names_tell_no_band(name):
    assert band_file(Path(name)) is None
