from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import transform, transform_bounds
from rasterio.windows import Window

from landcover.data.splitting import NEITHER, TRAIN, VALIDATION, split_by_block, split_by_scene
from landcover.rasters.blocks import EARTH_RADIUS
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError

SCENE = Scene.of("a.tif")


def grid_of(crs, west, north, pixel, height=60, width=60):
    return Grid(CRS.from_user_input(crs), from_origin(west, north, pixel, pixel), height, width)


def whole(grid):
    return Window(0, 0, grid.width, grid.height)


def sides_of(split, grid, window=None):
    return split.sides(SCENE, grid, window or whole(grid))


def closest(grid, sides):
    """Smallest great-circle distance in metres between the centres of pixels that train and that validate."""
    lon, lat = (np.radians(angles) for angles in grid.degrees())
    places = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    chords = [np.linalg.norm(place - places[sides == VALIDATION], axis=1).min() for place in places[sides == TRAIN]]
    return 2 * EARTH_RADIUS * np.arcsin(min(chords) / 2)


GROUNDS = {
    "utm 32": grid_of("EPSG:32632", 400_000, 5_500_000, 100),
    "utm 60 south, over the antimeridian": grid_of("EPSG:32760", 820_000, 8_000_000, 100),
    "degrees": grid_of("EPSG:4326", 8, 50, 0.001),
    "degrees far north": grid_of("EPSG:4326", 8, 89.05, 0.02, 50, 90),
    "web mercator": grid_of("EPSG:3857", 1e6, 9e6, 200),
    "north pole": grid_of("EPSG:3995", -3_000, 3_000, 100),
    "south pole": grid_of("EPSG:3031", -3_050, 3_050, 101),
}


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize(("block", "buffer"), [(700, 0), (700, 250), (1500, 1500)])
def test_pixels_of_the_two_sides_are_at_least_the_buffer_apart(ground, block, buffer):
    grid = GROUNDS[ground]
    sides = sides_of(split_by_block(block, 2, buffer), grid)
    if {TRAIN, VALIDATION} <= {*np.unique(sides).tolist()}:
        assert closest(grid, sides) >= buffer
    assert buffer or NEITHER not in sides
    assert buffer == 1500 or (sides == NEITHER).mean() < 0.7
    assert buffer == 1500 or {TRAIN, VALIDATION} <= {*np.unique(sides).tolist()}


def test_the_buffer_is_not_much_wider_than_asked_for():
    grid = grid_of("EPSG:32632", 400_000, 5_500_000, 40, 80, 80)
    sides = sides_of(split_by_block(1000, 2, 400), grid)
    assert 400 <= closest(grid, sides) <= 400 + 2 * 40


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("block", [900, 4_000, 1e6])
def test_windows_tell_what_the_whole_tells(ground, block):
    grid, split = GROUNDS[ground], split_by_block(block, 3, 300)
    sides, (numbers, names) = sides_of(split, grid), split.units(SCENE, grid, whole(grid))
    for top in range(0, grid.height, 7):
        for left in range(0, grid.width, 11):
            window = Window(left, top, min(11, grid.width - left), min(7, grid.height - top))
            part = window.toslices()
            assert (sides_of(split, grid, window) == sides[part]).all()
            own, own_names = split.units(SCENE, grid, window)
            assert own.shape == (window.height, window.width)
            assert (np.array(own_names)[own] == np.array(names)[numbers[part]]).all()


@pytest.mark.parametrize("holdout", [2, 5])
def test_one_in_so_many_blocks_validates(holdout):
    grid = grid_of("EPSG:4326", -180, 90, 1, 180, 360)
    split = split_by_block(200_000, holdout, 0)
    numbers, names = split.units(SCENE, grid, whole(grid))
    validates = np.zeros(len(names), bool)
    validates[numbers[sides_of(split, grid) == VALIDATION]] = True
    assert abs(validates.mean() - 1 / holdout) < 0.02
    of_blocks = sides_of(split, grid) == VALIDATION
    assert all((of_blocks[numbers == number] == validates[number]).all() for number in range(0, len(names), 50))


def test_the_same_ground_is_on_the_same_side_in_every_scene():
    split, wide = split_by_block(2_000, 2, 0), grid_of("EPSG:32632", 700_000, 5_500_000, 50, 120, 120)
    lon, lat = wide.degrees()
    bounds = transform_bounds("EPSG:32632", "EPSG:32633", *(700_000, 5_494_000, 706_000, 5_500_000))
    other = grid_of(
        "EPSG:32633", bounds[0], bounds[3], 10, int(bounds[3] - bounds[1]) // 10, int(bounds[2] - bounds[0]) // 10
    )
    x, y = transform("EPSG:4326", "EPSG:32633", lon.ravel(), lat.ravel())
    columns, rows = (np.floor(places).astype(int) for places in ~other.transform * (np.array(x), np.array(y)))
    inside = (columns >= 0) & (columns < other.width) & (rows >= 0) & (rows < other.height)
    assert inside.mean() > 0.9
    there = sides_of(split, other)[rows[inside], columns[inside]]
    here = sides_of(split, wide).ravel()[inside]
    assert (there == here).mean() > 0.99  # pixels of 10 m have the middle up to 7 m aside
    assert split_by_block(2_000, 2, 0).units(SCENE, other, whole(other))[1][0].startswith("block 27")


def test_blocks_stay_where_they_are():
    grid = grid_of("EPSG:32632", 400_000, 5_500_000, 1000, 8, 8)
    split = split_by_block(3_000, 2, 0)
    assert split.units(SCENE, grid, Window(0, 0, 1, 1))[1] == ["block 1839,182"]
    assert ["".join("TVN"[side] for side in row) for row in sides_of(split, grid)] == [
        *["VTTTTTTV"] * 3,
        *["VVVVVVVV"] * 3,
        *["TTTTTTVV"] * 2,
    ]


def test_pixels_outside_the_projection_are_on_neither_side():
    grid = grid_of("ESRI:54009", -18_040_000, 9_020_000, 100_000, 10, 10)
    assert (sides_of(split_by_block(1e6, 2, 0), grid) == NEITHER).all()


def test_scenes_without_a_reference_system_are_in_no_block():
    grid = Grid(None, from_origin(0, 0, 1, 1), 9, 9)
    local = Grid(CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]'), from_origin(0, 0, 1, 1), 9, 9)
    for one in (grid, local):
        with pytest.raises(LandcoverError, match=r"a\.tif: no reference system.* split by scene\.$"):
            sides_of(split_by_block(1000, 2, 0), one)
        with pytest.raises(LandcoverError, match=r"a\.tif: no reference system"):
            split_by_block(1000, 2, 0).units(SCENE, one, whole(one))


def test_every_nth_scene_validates_by_name():
    scenes = [Scene.of(Path(f"{name}.tif")) for name in "dacbe"]
    grid, split = GROUNDS["degrees"], split_by_scene(scenes, 2)
    sides = {scene.name: split.sides(scene, grid, Window(3, 4, 5, 6)) for scene in scenes}
    assert all(side.shape == (6, 5) and side.dtype == np.uint8 for side in sides.values())
    assert {name for name, side in sides.items() if (side == VALIDATION).all()} == {"b", "d"}
    assert {name for name, side in sides.items() if (side == TRAIN).all()} == {"a", "c", "e"}
    numbers, names = split.units(scenes[0], grid, Window(3, 4, 5, 6))
    assert names == ["d"] and numbers.dtype == np.int64 and (numbers == np.zeros((6, 5))).all()


@pytest.mark.parametrize(("count", "found"), [(1, "there is only 1 scene"), (2, "there are only 2 scenes")])
def test_too_few_scenes_to_split_are_an_error(count, found):
    scenes = [Scene.of(f"{i}.tif") for i in range(count)]
    with pytest.raises(LandcoverError, match=f"`holdout` = 3: {found}. Lower it, add scenes, or split by blocks."):
        split_by_scene(scenes, 3)
