import json

import numpy as np
import pytest
import rasterio
from conftest import TABLE, write_geotiff
from rasterio.transform import from_origin
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.data.scaled_scenes import open_scaled
from landcover.data.scene_preparation import prepare_scenes
from landcover.data.splitting import TRAIN, VALIDATION, split_by_block, split_by_scene
from landcover.data.tiles import Tiles
from landcover.images.resizing import nearest, scale_down
from landcover.labels.options import LabelOptions
from landcover.labels.sources import open_labels
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import find_scenes, open_scene
from landcover.system.errors import LandcoverError

SIZES = {"a": (150, 170), "b": (64, 200), "c": (90, 90), "d": (64, 64)}


class ArrayLabels:
    """Labels by name of the scene, uint8 at working resolution; a scene that is not among them has none."""

    path = "labels.tif"

    def __init__(self, arrays):
        self.arrays = arrays

    def on(self, grid, scene):
        labels = self.arrays.get(scene.name, np.full((grid.height, grid.width), UNKNOWN, np.uint8))
        assert labels.shape == (grid.height, grid.width)
        return ArrayGridLabels(labels)

    def report(self):
        return {}

    def check(self):
        pass


class ArrayGridLabels:
    def __init__(self, labels):
        self.labels = labels

    def windows(self, side):
        height, width = self.labels.shape
        for row in range(0, height, side):
            for column in range(0, width, side):
                yield Window(column, row, min(side, width - column), min(side, height - row))

    def read(self, window):
        rows, columns = window.toslices()
        return self.labels[rows, columns].copy()


@pytest.fixture
def make(tmp_path):
    """A function that writes scenes of 3 bands of uint16; `hole` of them has no data at its upper left."""

    def make(names="abc", hole=None, dtype="uint16", bands=3, pixel=10, **options):
        for number, name in enumerate(names):
            rng = np.random.default_rng(ord(name))
            pixels = rng.integers(1, 3000, size=(bands, *SIZES[name])).astype(dtype)
            if name == hole:
                pixels[:, :70, :80] = 0
            place = from_origin(500_000 + 5000 * number, 5_000_000, pixel, pixel)
            write_geotiff(tmp_path / f"{name}.tif", pixels, transform=place, nodata=0, **options)
        return find_scenes(tmp_path, [f"{name}.tif" for name in names])

    return make


def sparse_labels(scenes, scale=1.0, share=0.02, seed=0):
    """Some small fields of random classes."""
    arrays = {}
    for scene in scenes:
        with rasterio.open(scene.files[0]) as file:
            grid = Grid.of(file).scaled(scale)
        rng = np.random.default_rng([seed, ord(scene.name)])
        labels = np.full((grid.height, grid.width), UNKNOWN, np.uint8)
        for _ in range(int(share * labels.size / 12) + 1):
            row, column = rng.integers(grid.height), rng.integers(grid.width)
            labels[row : row + 3, column : column + 4] = rng.integers(3)
        arrays[scene.name] = labels
    return arrays


def run(scenes, arrays, split, folder, tile=32, scale=1.0, bands=(1, 2, 3)):
    folder.mkdir()
    options = {"tile": tile, "scale": scale, "bands": bands}
    found = prepare_scenes(scenes, ArrayLabels(arrays), split, TABLE, folder, **options).splits
    return found, {name: Tiles.open(folder / name, TABLE, found[name].spec) for name in found}


def whole(scene, scale=1.0):
    with open_scene(scene, [1, 2, 3]) as reader:
        pixels, valid = reader.read_window(Window(0, 0, reader.width, reader.height))
        grid = reader.grid.scaled(scale)
    return pixels, valid, grid


@pytest.mark.parametrize("scale", [1.0, 0.5, 1 / 3])
def test_the_tiles_are_all_parts_of_the_scenes_that_have_labels(make, tmp_path, scale):
    scenes = make(hole="a")
    arrays = sparse_labels(scenes, scale)
    split = split_by_block(400, 2, 60)
    found, splits = run(scenes, arrays, split, tmp_path / "out", scale=scale)
    for side, name in ((TRAIN, "train"), (VALIDATION, "validation")):
        tiles, expected = splits[name], {}
        for scene in scenes:
            pixels, valid, grid = whole(scene, scale)
            labels = arrays[scene.name].copy()
            seen = np.ones_like(labels, bool) if valid is None else nearest(valid, labels.shape)
            labels[~seen] = UNKNOWN
            pixels = scale_down(pixels, scale, valid)
            labels[split.sides(scene, grid, Window(0, 0, grid.width, grid.height)) != side] = UNKNOWN
            for row in range(0, grid.height, 32):
                for column in range(0, grid.width, 32):
                    part = np.s_[row : row + 32, column : column + 32]
                    if (labels[part] != UNKNOWN).any():
                        expected[scene.name, row, column] = pixels[part], labels[part], seen[part]
        assert list(zip(tiles.table.name, tiles.table.row, tiles.table.column, strict=True)) == list(expected)
        for i, (image, labels, seen) in enumerate(expected.values()):
            inside = np.s_[i, : labels.shape[0], : labels.shape[1]]
            np.testing.assert_array_equal(tiles.labels[inside], labels)
            np.testing.assert_array_equal(tiles.images[inside][seen], image[seen])
            assert (tiles.table.height[i], tiles.table.width[i]) == labels.shape
        assert found[name].tiles == len(expected) > 1
        assert found[name].labelled == sum((labels != UNKNOWN).sum() for _, labels, _ in expected.values())
        assert found[name].images == len({key[0] for key in expected})


def test_splits_share_no_block_and_keep_the_buffer(make, tmp_path):
    scenes = make("cd")
    arrays = {name: np.zeros(SIZES[name], np.uint8) for name in "cd"}  # everything has a label
    block, buffer = 300, 80
    split = split_by_block(block, 2, buffer)
    _, splits = run(scenes, arrays, split, tmp_path / "out", tile=64)
    grids = {scene.name: whole(scene)[2] for scene in scenes}
    centres, blocks = {}, {}
    for name, tiles in splits.items():
        found, units = [], set()
        for i, tile in enumerate(tiles.table.itertuples()):
            part = grids[tile.name].part(Window(tile.column, tile.row, 64, 64))
            known = np.array(tiles.labels[i]) != UNKNOWN
            found.append(np.stack(part.centres(), -1)[known])
            window = Window(tile.column, tile.row, tile.width, tile.height)
            scene = next(scene for scene in scenes if scene.name == tile.name)
            numbers, names = split.units(scene, grids[tile.name], window)
            units |= {names[number] for number in np.unique(numbers[known[: tile.height, : tile.width]])}
        centres[name], blocks[name] = np.concatenate(found), units
    assert not blocks["train"] & blocks["validation"]
    assert min(map(len, centres.values())) > 1000
    nearest_distance = min(
        np.hypot(*(centres["train"] - point).T).min() for point in centres["validation"]
    )  # in metres of UTM, which are those of the ground but for 0.04 %
    assert buffer * 0.999 <= nearest_distance < buffer + 2 * 10 * 2**0.5


def test_another_scene_changes_no_tile_of_the_others(make, tmp_path):
    few, many = make("acd"), make("abcd")
    arrays, split = sparse_labels(many), split_by_block(400, 2, 60)
    _, before = run(few, arrays, split, tmp_path / "before")
    _, after = run(many, arrays, split, tmp_path / "after")
    for name, tiles in before.items():
        old = ~(after[name].table.name == "b").to_numpy()
        assert old.sum() < len(old)
        np.testing.assert_array_equal(after[name].images[old], tiles.images)
        np.testing.assert_array_equal(after[name].labels[old], tiles.labels)


def test_statistics_are_those_of_the_valid_pixels_of_training_tiles(make, tmp_path):
    scenes = make("ab", hole="a")
    found, splits = run(scenes, sparse_labels(scenes), split_by_scene(scenes, 2), tmp_path / "out")
    pixels, valid, _ = whole(scenes[0])
    chosen = np.concatenate(
        [
            pixels[part][valid[part]]
            for tile in splits["train"].table.itertuples()
            for part in [np.s_[tile.row : tile.row + tile.height, tile.column : tile.column + tile.width]]
        ]
    )
    for name in ("train", "validation"):
        np.testing.assert_allclose(found[name].spec.mean, chosen.mean(0), rtol=1e-6)
        np.testing.assert_allclose(found[name].spec.std, chosen.std(0), rtol=1e-6)
        assert found[name].spec.low == tuple(np.percentile(chosen, 2, axis=0, method="inverted_cdf"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_float32_and_finite(make, tmp_path, dtype):
    scenes = make("ab", hole="a", dtype=dtype)
    arrays = sparse_labels(scenes, share=0.3)
    found, splits = run(scenes, arrays, split_by_scene(scenes, 2), tmp_path / "out")
    assert splits["train"].images.dtype == np.float32
    assert np.isfinite(splits["train"].images).all()
    assert found["train"].unseen == (arrays["a"][:70, :80] != UNKNOWN).sum()
    assert found["train"].spec.mean == pytest.approx([1500] * 3, rel=0.05)


def test_shares_are_those_of_the_labelled_pixels(make, tmp_path):
    scenes = make("cd")
    arrays = {name: np.full(SIZES[name], UNKNOWN, np.uint8) for name in "cd"}
    arrays["c"][:10, :10], arrays["c"][10:20, :30], arrays["d"][0, 0] = 0, 1, 2
    found, _ = run(scenes, arrays, split_by_scene(scenes, 2), tmp_path / "out")
    train, validation = found["train"], found["validation"]
    assert (train.images, train.tiles, train.pixels, train.labelled) == (1, 1, 32 * 32, 400)
    assert train.share == {"urban": 0.25, "forest": 0.75, "water": 0.0, "unknown": 1 - 400 / 1024}
    assert validation.share["water"] == 1


def test_without_any_label_it_is_said_where_labels_and_scenes_are(make, tmp_path):
    scenes = make("ab")
    point = {
        "type": "Feature",
        "properties": {"class": "urban"},
        "geometry": {"type": "Point", "coordinates": [45, 15]},
    }
    (tmp_path / "points.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [point]}))
    source = open_labels(tmp_path, "points.geojson", None, LabelOptions(TABLE))
    options = {"tile": 32, "scale": 1.0, "bands": [1, 2, 3]}
    with pytest.raises(LandcoverError) as error:
        prepare_scenes(scenes, source, split_by_scene(scenes, 2), TABLE, tmp_path, **options)
    (line,) = error.value.lines
    assert f"points.geojson: no label lies in any scene of {tmp_path} (a: longitudes 14.9999 to 15.02" in line
    assert "; b: longitudes 15.06" in line
    assert "The labels are at longitudes 45.0000 to 45.0000, latitudes 15.0000 to 15.0000." in line


def test_a_split_without_labels_is_an_error(make, tmp_path):
    scenes = make("ab")
    for name, does in (("b", "trains"), ("a", "validates")):
        with pytest.raises(
            LandcoverError, match=f"labels.tif: no labelled pixel {does}, as `split` puts all of them into the "
        ):
            run(scenes, {name: sparse_labels(scenes)[name]}, split_by_scene(scenes, 2), tmp_path / does)


def test_labels_only_where_there_is_no_data_are_an_error(make, tmp_path):
    scenes = make("ab", hole="a")
    arrays = sparse_labels(scenes)
    arrays["a"][:], arrays["a"][:20, :20] = UNKNOWN, 1
    with pytest.raises(LandcoverError, match="no labelled pixel of the split train has data in the scenes"):
        run(scenes, arrays, split_by_scene(scenes, 2), tmp_path / "out")


def test_scenes_without_labels_are_noted(make, tmp_path, capsys):
    scenes = make("abcd")
    arrays = sparse_labels(scenes)
    run(scenes, {name: arrays[name] for name in "ab"}, split_by_scene(scenes, 2), tmp_path / "out")
    assert capsys.readouterr().err == "note: labels.tif: no label in 2 of 4 scenes, which are not used: c, d\n"


def test_all_scenes_that_cannot_be_used_are_listed(make, tmp_path):
    make("abc")
    make("d", dtype="int16")
    scenes = find_scenes(tmp_path, "*.tif")
    split = split_by_scene(scenes, 2)
    with pytest.raises(LandcoverError, match=r"d\.tif: its pixels are int16, those of a\.tif uint16\. Convert all"):
        run(scenes, sparse_labels(scenes), split, tmp_path / "unlike")
    for name in "bc":
        (tmp_path / f"{name}.tif").write_bytes(b"none")
    with pytest.raises(LandcoverError) as error:
        run(scenes, {}, split, tmp_path / "broken")
    assert [line.split(": ")[0][-5:] for line in error.value.lines] == ["b.tif", "c.tif"]


def test_windows_at_working_resolution_fit_together(make):
    (scene,) = make("a", hole="a")
    pixels, valid, _ = whole(scene)
    with open_scaled(scene, [1, 2, 3], 0.3, readers=1) as scaled:
        grid = scaled.grid
        all_pixels, all_valid = scaled.read_window(Window(0, 0, grid.width, grid.height))
        np.testing.assert_array_equal(all_pixels[all_valid], scale_down(pixels, 0.3, valid)[all_valid])
        np.testing.assert_array_equal(all_valid, nearest(valid, (grid.height, grid.width)))
        assert scaled.read_window(Window(0, 0, 10, 10)) is None
        for window in (Window(11, 7, 22, 30), Window(grid.width - 5, grid.height - 7, 5, 7)):
            part, seen = scaled.read_window(window)
            inside = all_valid[window.toslices()]
            np.testing.assert_array_equal(inside if seen is None else inside & seen, inside)
            np.testing.assert_array_equal(part[inside], all_pixels[window.toslices()][inside])
