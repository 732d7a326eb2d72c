from pathlib import Path

import pytest

from landcover.rasters.scene_files import common_pattern, group_files
from landcover.system.errors import LandcoverError

LANDSAT = "LC08_L2SP_193024_20230610_20230614_02_T1"


def grouped(*names):
    return {name: [path.name for path in files] for name, files in group_files([Path("set", name) for name in names])}


def test_bands_that_differ_in_nothing_else_are_one_scene_and_the_rest_is_one_each():
    assert grouped(
        "a_B02.tif", "a_B10.tif", "a_B8A.tif", "a_B08.tif", "b_B02.tif", "b_B03.tif", "c.tif", "d_B02.tif"
    ) == {
        "a": ["a_B02.tif", "a_B08.tif", "a_B8A.tif", "a_B10.tif"],
        "b": ["b_B02.tif", "b_B03.tif"],
        "c": ["c.tif"],
        "d_B02": ["d_B02.tif"],
    }


def test_bands_without_anything_in_common_are_called_like_their_folder():
    assert grouped("red.tif", "nir.tif", "scl.tif", "thumbnail.jpg") == {"set": ["nir.tif", "red.tif"]}


def test_quality_files_of_landsat_are_no_bands():
    bands = [f"{LANDSAT}_SR_B{i}.TIF" for i in range(1, 8)]
    others = ["QA_PIXEL", "QA_RADSAT", "SR_QA_AEROSOL", "ST_ATRAN", "ST_CDIST", "ST_EMIS", "ST_QA", "ST_TRAD"]
    names = [*bands, f"{LANDSAT}_ST_B10.TIF", *(f"{LANDSAT}_{other}.TIF" for other in others)]
    assert grouped(*names, f"{LANDSAT}_thumb_large.jpeg") == {LANDSAT: [*bands, f"{LANDSAT}_ST_B10.TIF"]}


def test_of_a_band_in_several_resolutions_the_finest_is_taken():
    names = ["R10m/T_B02_10m.jp2", "R10m/T_B03_10m.jp2", "R10m/T_TCI_10m.jp2", "R20m/T_B02_20m.jp2"]
    names += ["R20m/T_B05_20m.jp2", "R20m/T_SCL_20m.jp2", "R60m/T_B02_60m.jp2", "R60m/T_B09_60m.jp2"]
    assert grouped(*names) == {"T": ["T_B02_10m.jp2", "T_B03_10m.jp2", "T_B05_20m.jp2", "T_B09_60m.jp2"]}


@pytest.mark.parametrize("other", ["a_b02.tif", "a_B02.jp2", "a_B2.tif"])
def test_the_same_band_twice_is_an_error(other):
    with pytest.raises(LandcoverError, match=r"the same band as set/a_B02\.tif"):
        grouped("a_B02.tif", "a_B03.tif", other)


def test_a_file_that_may_belong_to_a_scene_of_several_is_an_error():
    with pytest.raises(LandcoverError, match=r"^set/a_labels\.tif: it is not clear whether it belongs to .* `scenes`"):
        grouped("a_B02.tif", "a_B03.tif", "a_labels.tif")
    assert list(grouped("a_B02.tif", "a_B03.tif", "ab_labels.tif")) == ["a", "ab_labels"]


def test_of_several_scenes_as_which_a_file_begins_the_longest_name_counts():
    stack = ("a_x_B02.tif", "a_x_B03.tif")
    assert list(grouped("a.tif", *stack, "a_x_SCL.tif", "a_y.tif")) == ["a_x", "a", "a_y"]
    with pytest.raises(LandcoverError, match=r"a_x_dem\.tif: it is not clear"):
        grouped("a.tif", *stack, "a_x_dem.tif")


def test_patterns_show_what_names_have_in_common():
    assert common_pattern(["a_B02.tif", "a_B8A.tif"]) == "a_B*.tif"
    assert common_pattern(["red.tif", "red.tif.tif"]) == "red.tif*"


def test_quality_files_of_scenes_of_one_file_are_left_out():
    assert list(grouped("a.tif", "a_mask.tif", "a_2.tif", "b_QA.tif", "a_2_udm2.tif")) == ["a", "a_2", "b_QA"]
    assert list(grouped("a_mask.tif")) == ["a_mask"]


def test_words_that_name_the_scene_do_not_make_it_one_of_quality():
    assert list(grouped("cloud_free_B02.tif", "cloud_free_B03.tif")) == ["cloud_free"]
