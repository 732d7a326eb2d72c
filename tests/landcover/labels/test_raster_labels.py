from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from label_files import (
    DEGREES,
    FIELD,
    FOREST,
    LEFT,
    SCENE,
    TOP,
    UTM,
    WATER,
    labels_on,
    open_file,
    utm_grid,
    whole,
    write_codes,
)
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rasterio.windows import Window

from landcover.classes.class_table import UNKNOWN
from landcover.labels.raster_sampling import RasterSampling, majority
from landcover.rasters.grid import Grid
from landcover.system.errors import LandcoverError

CODES = {"field": (10, 20), "forest": (30,), "water": (80,), "unknown": (0,)}
LABEL_OF = np.full(256, UNKNOWN, np.uint8)
LABEL_OF[[10, 20, 30, 80]] = FIELD, FIELD, FOREST, WATER


def _random(rng, height, width, dtype="u1"):
    return rng.choice([10, 20, 30, 80, 0], (height, width)).astype(dtype)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_codes_of_the_same_grid_become_their_classes(tmp_path, dtype):
    codes = _random(np.random.default_rng(0), 300, 300, dtype)
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(300))
    assert np.array_equal(labels_on(path, utm_grid(300), codes=CODES), LABEL_OF[codes.astype(int)])


def test_nearest_takes_the_code_under_the_centre_of_coarser_pixels(tmp_path):
    codes = _random(np.random.default_rng(0), 30, 30)
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(30, 100))
    labels = labels_on(path, utm_grid(300), codes=CODES)
    assert np.array_equal(labels, LABEL_OF[np.kron(codes, np.ones((10, 10), int))])


def test_nearest_takes_the_code_under_the_centre_of_finer_pixels(tmp_path):
    codes = _random(np.random.default_rng(0), 300, 300)
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(300, 10))
    assert np.array_equal(labels_on(path, utm_grid(100, 30), codes=CODES), LABEL_OF[codes[1::3, 1::3]])


def test_majority_takes_the_most_frequent_class_of_finer_pixels(tmp_path):
    codes = _random(np.random.default_rng(0), 300, 300)
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(300, 10))
    labels = labels_on(path, utm_grid(100, 30), codes=CODES, resample="majority")
    nine = LABEL_OF[codes].reshape(100, 3, 100, 3).transpose(0, 2, 1, 3).reshape(100, 100, 9)
    counts = (nine[..., None] == [FIELD, FOREST, WATER, UNKNOWN]).sum(2)
    assert np.array_equal(labels, np.array([FIELD, FOREST, WATER, UNKNOWN])[counts.argmax(2)])


def test_the_majority_of_coarser_pixels_is_that_of_the_area(tmp_path):
    codes = np.array([[10, 30], [80, 80]], np.uint8)
    path = write_codes(tmp_path / "codes.tif", codes, Grid(UTM, from_origin(LEFT, TOP, 14, 14), 2, 2))
    labels = labels_on(path, utm_grid(2, 10), codes=CODES, resample="majority")
    assert labels[0].tolist() == [FIELD, FOREST]  # of the second pixel, 4 of 10 metres are field
    assert labels[1].tolist() == [WATER, WATER]


def test_the_majority_of_pixels_without_data_does_not_win(tmp_path):
    codes = np.full((3, 6), 255, np.uint8)
    codes[0, 0] = 30
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(10, 10), nodata=255)
    labels = labels_on(path, utm_grid(2, 30), codes=CODES, resample="majority")
    assert labels.tolist() == [[FOREST, UNKNOWN], [UNKNOWN, UNKNOWN]]


def test_the_lowest_of_equally_frequent_labels_wins_and_unknown_never():
    samples = [np.array([[2, 255, 254]], np.uint8), np.array([[1, 1, 254]], np.uint8)]
    assert majority(samples).tolist() == [[1, 1, 254]]


@pytest.mark.parametrize("resample", ["nearest", "majority"])
def test_other_reference_systems_are_sampled_pixel_by_pixel(tmp_path, resample):
    rng = np.random.default_rng(0)
    codes = _random(rng, 400, 400)
    raster = Grid(DEGREES, from_origin(14.99, 41.6, 0.0005, 0.0005), 400, 400)
    grid = utm_grid(600)
    labels = open_file(write_codes(tmp_path / "codes.tif", codes, raster), codes=CODES, resample=resample).on(
        grid, SCENE
    )
    found = whole(labels, grid)
    for _ in range(10):
        left, top = rng.integers(0, 599, 2)
        window = Window(left, top, rng.integers(1, 601 - left), rng.integers(1, 601 - top))
        assert np.array_equal(labels.read(window), found[window.toslices()])
    if resample == "nearest":
        lon, lat = grid.degrees()
        column, row = ((lon - 14.99) / 0.0005).astype(int), ((41.6 - lat) / 0.0005).astype(int)
        inside = (column < 400) & (row < 400) & (lon >= 14.99) & (lat <= 41.6)
        expected = np.where(inside, LABEL_OF[codes[row.clip(0, 399), column.clip(0, 399)]], UNKNOWN)
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("resample", ["nearest", "majority"])
def test_a_raster_of_the_world_labels_scenes_across_its_end(tmp_path, resample):
    codes = _random(np.random.default_rng(0), 180, 360)
    path = write_codes(tmp_path / "codes.tif", codes, Grid(DEGREES, from_origin(-180, 90, 1, 1), 180, 360))
    grid = Grid(DEGREES, from_origin(170, 10, 1, 1), 20, 20)
    expected = LABEL_OF[np.concatenate([codes[80:100, 350:], codes[80:100, :10]], 1)]
    assert np.array_equal(labels_on(path, grid, codes=CODES, resample=resample), expected)


def test_overviews_are_not_read(tmp_path):
    codes = _random(np.random.default_rng(0), 300, 300)
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(300, 10))
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], rasterio.enums.Resampling.average)
    assert np.array_equal(labels_on(path, utm_grid(30, 100), codes=CODES), LABEL_OF[codes[5::10, 5::10]])


def test_large_windows_of_a_raster_are_read_in_parts(tmp_path, monkeypatch):
    codes = _random(np.random.default_rng(0), 300, 300)
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(300, 10))
    expected = labels_on(path, utm_grid(100, 30), codes=CODES, resample="majority")
    monkeypatch.setattr("landcover.labels.raster_labels._MOST_PIXELS", 5000)
    assert np.array_equal(labels_on(path, utm_grid(100, 30), codes=CODES, resample="majority"), expected)


def test_tiles_of_a_folder_are_put_together_and_the_first_by_name_counts(tmp_path):
    folder = tmp_path / "tiles"
    folder.mkdir()
    right = Grid(UTM, from_origin(LEFT + 400, TOP, 10, 10), 100, 60)
    left = np.full((100, 50), 10, np.uint8)
    left[50:] = 255
    write_codes(folder / "a.tif", left, utm_grid(), nodata=255)
    write_codes(folder / "b.tif", np.full((100, 60), 30, np.uint8), right)
    write_codes(folder / "far.tif", left, Grid(UTM, from_origin(0, 0, 10, 10), 100, 50))
    (folder / "readme.txt").write_text("tiles")
    for name in ("tiles", "tiles/*.tif"):
        labels = labels_on(
            tmp_path / name if name == "tiles" else tmp_path / "tiles" / "*.tif", utm_grid(), codes=CODES
        )
        assert (labels[:50, :50] == FIELD).all()
        assert (labels[50:, :40] == UNKNOWN).all()
        assert (labels[:, 50:] == FOREST).all() and (labels[50:, 40:50] == FOREST).all()


def test_codes_of_no_class_are_counted_once_and_named(tmp_path):
    codes = np.full((300, 300), 10, np.uint8)
    codes[:10, :10], codes[20, 20] = 77, 99
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(300))
    source = open_file(path, codes=CODES)
    labels = source.on(utm_grid(300), SCENE)
    for _ in range(2):
        assert (whole(labels, utm_grid(300)) == UNKNOWN).sum() == 101
    assert source.report() == {"off_palette": 101}
    with pytest.raises(
        LandcoverError, match=r"codes\.tif: 0\.11% of the pixels have codes of no class: 77 \(100\), 99"
    ):
        source.check()
    tolerant = open_file(path, codes=CODES, max_off_palette=0.01)
    whole(tolerant.on(utm_grid(300), SCENE), utm_grid(300))
    tolerant.check()


def test_several_threads_read_the_same_as_one(tmp_path):
    codes = _random(np.random.default_rng(0), 600, 600)
    path = write_codes(tmp_path / "codes.tif", codes, utm_grid(600))
    labels = open_file(path, codes=CODES).on(utm_grid(600), SCENE)
    windows = [Window(x, y, 100, 100) for y in range(0, 600, 100) for x in range(0, 600, 100)]
    with ThreadPoolExecutor(4) as threads:
        for window, found in zip(windows, threads.map(labels.read, windows), strict=True):
            assert np.array_equal(found, LABEL_OF[codes[window.toslices()]])


def test_windows_beside_the_raster_are_left_out(tmp_path):
    path = write_codes(tmp_path / "codes.tif", np.full((100, 100), 10, np.uint8), utm_grid())
    labels = open_file(path, codes=CODES).on(utm_grid(1000), SCENE)
    found = [tuple(map(int, window.flatten())) for window in labels.windows(100)]
    assert (0, 0, 100, 100) in found and len(found) <= 4
    assert labels.meets()
    assert not open_file(path, codes=CODES).on(Grid(UTM, from_origin(0, 0, 10, 10), 50, 50), SCENE).meets()


def _colours(labels):
    return np.moveaxis(np.array([(255, 255, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)], np.uint8)[labels], -1, 0)


def test_colours_of_masks_become_their_classes(tmp_path):
    labels = np.random.default_rng(0).integers(0, 4, (100, 100))
    path = write_codes(tmp_path / "mask.tif", _colours(labels), utm_grid())
    expected = np.where(labels == 3, UNKNOWN, labels)
    assert np.array_equal(labels_on(path, utm_grid(), masks="colours"), expected)
    assert np.array_equal(labels_on(path, utm_grid(50, 20).scaled(1.0), masks="colours"), expected[1::2, 1::2])


def test_palettes_of_masks_are_colours(tmp_path):
    path = write_codes(tmp_path / "mask.tif", np.array([[7, 9]], np.uint8), utm_grid())
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.palette]
        dataset.write_colormap(1, {7: (0, 0, 255, 255), 9: (1, 2, 3, 255)})
    source = open_file(path, masks="colours")
    assert source.on(utm_grid(2), SCENE).read(Window(0, 0, 2, 1)).tolist() == [[WATER, UNKNOWN]]
    with pytest.raises(LandcoverError, match=r"colours of no class: #010203"):
        source.check()


@pytest.mark.parametrize(
    ("bands", "options", "message"),
    [
        (np.zeros((3, 9, 9), np.uint8), {"codes": CODES}, "3 bands, where a raster of codes has one"),
        (np.zeros((9, 9), np.uint8), {"masks": "colours"}, "where colours (`masks`) are three of uint8"),
        (np.zeros((9, 9), np.complex64), {"codes": CODES}, "pixels of type complex64"),
        (np.zeros((9, 9), np.uint8), {"codes": CODES, "rest": "water"}, "`rest` = 'water' is for polygons"),
        (np.zeros((9, 9), np.uint8), {}, "has no codes"),
    ],
)
def test_rasters_of_another_kind_are_one_line(tmp_path, bands, options, message):
    path = write_codes(tmp_path / "codes.tif", bands, utm_grid())
    with pytest.raises(LandcoverError) as raised:
        open_file(path, **options)
    assert message in str(raised.value)
    assert len(raised.value.lines) == 1


def test_values_that_are_not_whole_numbers_are_an_error(tmp_path):
    path = write_codes(tmp_path / "codes.tif", np.full((9, 9), 1.5, np.float32), utm_grid())
    with pytest.raises(LandcoverError, match=r"codes\.tif: the value 1\.5, where codes of classes are whole numbers"):
        labels_on(path, utm_grid(9), codes=CODES)


def test_a_nodata_value_that_is_also_a_code_is_an_error(tmp_path):
    path = write_codes(tmp_path / "codes.tif", np.zeros((9, 9), np.uint8), utm_grid(), nodata=10)
    with pytest.raises(LandcoverError, match=r"nodata value 10 is also a code"):
        open_file(path, codes=CODES)


def test_a_raster_without_a_place_on_the_map_is_an_error(tmp_path):
    path = write_codes(tmp_path / "codes.tif", np.zeros((9, 9), np.uint8), Grid(None, utm_grid().transform, 9, 9))
    with pytest.raises(LandcoverError, match="no place on the map"):
        open_file(path, codes=CODES)


def test_places_between_the_corners_of_pixels_are_interpolated():
    sampling = RasterSampling(utm_grid(10, 30), Grid(UTM, from_origin(LEFT - 20, TOP + 10, 10, 10), 50, 50))
    points = sampling.points(Window(1, 2, 1, 1), 3)
    assert [(int(x[0, 0]), int(y[0, 0])) for x, y in points] == [(x, y) for y in (7, 8, 9) for x in (5, 6, 7)]
    assert sampling.side(Window(0, 0, 5, 5)) == 3
