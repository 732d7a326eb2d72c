import numpy as np
import pytest

from landcover.classes.class_table import DEEPGLOBE, IGNORE
from landcover.data.bluemarble import IGBP, build, cut, labels_on_image_grid
from landcover.data.globe import tile_corner, tile_name
from landcover.system.errors import LandcoverError


@pytest.mark.parametrize(
    ("south", "west", "name"), [(45, 15, "N45E015"), (-15, -75, "S15W075"), (0, 0, "N00E000"), (-90, -180, "S90W180")]
)
def test_tiles_are_named_after_their_south_west_corner(south, west, name):
    assert tile_name(south, west) == name
    assert tile_corner(name) == (south, west)


@pytest.mark.parametrize("name", ["0001", "N45E15", "N46E015", "N90E000", "N45E180", "xN45E015"])
def test_other_names_are_no_place(name):
    assert tile_corner(name) is None


def test_labels_are_those_of_the_cell_under_the_pixel_centre():
    igbp = np.random.default_rng(0).choice(17, size=(36, 72)).astype(np.uint8)
    labels = labels_on_image_grid(igbp)
    assert labels.shape == (27, 54)
    for row, column in np.ndindex(labels.shape):
        # Image pixels are 4/3 cells wide; a centre on a border belongs to the cell that begins there.
        value = igbp[int((row + 0.5) * 4 / 3 + 1e-9), int((column + 0.5) * 4 / 3 + 1e-9)]
        assert value in IGBP[DEEPGLOBE.names[labels[row, column]]]


def test_types_outside_the_scheme_are_unknown():
    assert (labels_on_image_grid(np.full((4, 4), 255, np.uint8)) == IGNORE).all()
    assert sorted(value for values in IGBP.values() for value in values) == list(range(17))


def test_tiles_with_enough_land_are_kept_and_a_fifth_of_them_validates():
    water, forest = DEEPGLOBE.names.index("water"), DEEPGLOBE.names.index("forest")
    labels = np.full((12 * 10, 24 * 10), forest, np.uint8)
    labels[:10, :10] = water
    labels[0, :10] = forest  # the first tile: exactly a tenth is land
    labels[:10, 10:20] = water
    labels[0, 11:20] = forest  # the second: a little less
    tiles = list(cut(np.zeros((*labels.shape, 3), np.uint8), labels))
    names = [name for _, name, _, _ in tiles]
    assert len(tiles) == 12 * 24 - 1
    assert "N75W180" in names
    assert "N75W165" not in names
    validation = {tile_corner(name) for split, name, _, _ in tiles if split == "validation"}
    assert len(validation) / len(tiles) == pytest.approx(0.2, abs=0.01)
    assert not any((south + 15, west) in validation or (south, west + 15) in validation for south, west in validation)


def test_without_a_source_one_line_says_so_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(LandcoverError, match=r"pip could not download it \(.+\)\. Connect to a network") as error:
        build(tmp_path / "data" / "bluemarble")
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "data").iterdir())
