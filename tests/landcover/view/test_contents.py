import io
import json
import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.vrt
from conftest import TABLE, write_geotiff, write_labels
from PIL import Image
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin

from landcover.system.errors import LandcoverError
from landcover.view.contents import open_contents

HEIGHT, WIDTH = 300, 520
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
rng = np.random.default_rng(0)
LABELS = rng.integers(3, size=(HEIGHT // 10, WIDTH // 10), dtype=np.uint8).repeat(10, 0).repeat(10, 1)
LABELS[:20, :30] = 255
COLOURS = np.array([[200, 60, 40], [40, 160, 60], [30, 50, 200]], np.uint8)


def no_table(path):
    raise AssertionError(f"{path} is no colour mask")


@pytest.fixture
def town(tmp_path):
    """The map town_mask.tif, in UTM with pixels of 10 m."""
    write_labels(tmp_path / "town_mask.tif", LABELS)
    return tmp_path / "town_mask.tif"


@contextmanager
def opened(path, image=None, other=None, find_table=no_table):
    with open_contents(path, image, other, find_table) as contents:
        yield contents


def labels_of(contents, level, column, row, key="prediction"):
    content, media_type = contents.read(key, level, column, row)
    assert media_type == "application/octet-stream"
    return np.frombuffer(content, np.uint8).reshape(contents.pyramid.tile(level, column, row).shape)


def image_of(contents, level, column, row):
    """uint8 (h, w, 4)."""
    content, media_type = contents.read("image", level, column, row)
    assert media_type == "image/webp"
    return np.array(Image.open(io.BytesIO(content)).convert("RGBA"))


def whole(read, contents, level):
    """All tiles of a level, put together."""
    tiles = range(9)
    rows = [[read(contents, level, x, y) for x in tiles if contents.pyramid.tile(level, x, y)] for y in tiles]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows if row])


def write_image(path, labels=LABELS, **options):
    """An image in which the colour tells the class; without overviews."""
    colours = COLOURS[np.minimum(labels, 2)]
    return write_geotiff(path, np.moveaxis(colours, 2, 0), photometric="rgb", **options)


def test_tiles_are_the_labels_of_the_file(town):
    with opened(town) as contents:
        np.testing.assert_array_equal(whole(labels_of, contents, 2), LABELS)
        assert contents.description["resolutions"] == [4, 2, 1]


def test_coarser_tiles_come_from_the_overviews(town):
    with rasterio.open(town, "r+") as file:
        file.build_overviews([2, 4], Resampling.mode)
    with rasterio.open(town, overview_level=1) as file:
        overview = file.read(1)
    with opened(town) as contents:
        np.testing.assert_array_equal(whole(labels_of, contents, 0), overview)


def test_coarser_tiles_without_overviews_are_samples_of_the_pixels(town):
    with opened(town) as contents:
        coarse = whole(labels_of, contents, 1)
    assert coarse.shape == (HEIGHT // 2, WIDTH // 2)
    assert (coarse == LABELS[::2, ::2]).mean() > 0.9


def test_several_threads_read_at_the_same_time(town):
    with opened(town) as contents, ThreadPoolExecutor(16) as threads:
        places = [(2, x, y) for x in range(3) for y in range(2)] * 20
        for place, tile in zip(places, threads.map(lambda place: labels_of(contents, *place), places), strict=True):
            window = contents.pyramid.tile(*place).window
            np.testing.assert_array_equal(tile, LABELS[window.toslices()])


def test_there_is_no_other_layer_and_no_tile_outside(town):
    with opened(town) as contents:
        assert contents.read("image", 0, 0, 0) is None
        assert contents.read("town_mask.tif", 0, 0, 0) is None
        assert contents.read("prediction", 0, 1, 0) is None


def test_the_page_is_told_names_classes_and_where_the_map_lies(town):
    with opened(town) as contents:
        told = json.loads(json.dumps(contents.description, allow_nan=False))
    assert [entry["name"] for entry in told["classes"]] == TABLE.names
    assert len({entry["safe"] for entry in told["classes"]}) == 3
    assert told["has"] == {"image": False, "truth": False, "prediction": True, "other": False, "confidence": False}
    assert (told["width"], told["height"], told["tile"], told["name"]) == (WIDTH, HEIGHT, 256, "town_mask.tif")
    assert told["crs"] == "EPSG:32633, WGS 84 / UTM zone 33N"
    assert told["resolution"] == "10 m"
    assert told["transform"] == [10, 0, 500_000, 0, -10, 5_000_000]


def test_a_colour_table_gives_classes_to_any_values(tmp_path):
    values = np.array([10, 20, 30, 200], np.uint8)[rng.integers(4, size=(40, 60))]
    write_geotiff(tmp_path / "cover.tif", values[None], nodata=30)
    colours = {10: (0, 100, 0, 255), 20: (250, 150, 255, 255), 30: (9, 9, 9, 255)}
    with rasterio.open(tmp_path / "cover.tif", "r+") as file:
        file.write_colormap(1, colours)
    with opened(tmp_path / "cover.tif") as contents:
        told, labels = contents.description, labels_of(contents, 0, 0, 0)
    assert [(entry["name"], entry["colour"]) for entry in told["classes"]] == [
        ("class 10", "#006400"),
        ("class 20", "#fa96ff"),
    ]
    np.testing.assert_array_equal(labels, np.select([values == 10, values == 20], [0, 1], 255))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_colour_mask_has_the_classes_of_a_table(tmp_path, suffix):
    Image.fromarray(TABLE.encode(LABELS)).save(tmp_path / f"mask{suffix}")
    with opened(tmp_path / f"mask{suffix}", find_table=lambda path: TABLE) as contents:
        np.testing.assert_array_equal(whole(labels_of, contents, 2), LABELS)
        assert contents.description["crs"] is None
        assert contents.description["ignore"]["name"] == "unknown"


def test_an_image_in_place_of_the_map_is_refused(tmp_path):
    write_image(tmp_path / "town.tif")
    with (
        pytest.raises(LandcoverError, match=r"town\.tif: .* of no class"),
        opened(tmp_path / "town.tif", find_table=lambda _: TABLE),
    ):
        pass


@pytest.mark.parametrize(
    "pixels", [np.zeros((1, 30, 30), np.uint8), np.zeros((1, 30, 30), np.float32), np.zeros((2, 30, 30), np.uint8)]
)
def test_a_raster_without_classes_is_refused(tmp_path, pixels):
    write_geotiff(tmp_path / "grey.tif", pixels)
    with pytest.raises(LandcoverError, match=r"grey\.tif: no map of classes"), opened(tmp_path / "grey.tif"):
        pass


@pytest.mark.parametrize("tag", ["no JSON", json.dumps({"0": "land", "300": "sea"}), json.dumps({"-1": "land"})])
def test_a_damaged_tag_is_an_error_of_its_own(town, tag):
    with rasterio.open(town, "r+") as file:
        file.update_tags(CLASS_NAMES=tag)
    with pytest.raises(LandcoverError, match=r"town_mask\.tif: its tag CLASS_NAMES"), opened(town):
        pass


def test_an_image_on_the_same_grid_keeps_its_pixels(town, tmp_path):
    write_image(tmp_path / "town.tif")
    with opened(town, tmp_path / "town.tif") as contents:
        drawn = whole(image_of, contents, 2)
    inside = np.ones((HEIGHT, WIDTH), bool)
    for axis in (0, 1):  # WebP blurs edges a little
        inside &= ~np.isin(np.arange((HEIGHT, WIDTH)[axis]) % 10, [0, 1, 8, 9]).reshape(
            (-1, 1) if axis == 0 else (1, -1)
        )
    expected = COLOURS[np.minimum(LABELS, 2)]
    assert np.abs(drawn[..., :3].astype(int) - expected)[inside].mean() < 6
    assert (drawn[..., 3] == 255).all()


def test_an_image_in_another_reference_system_is_warped_onto_the_map(town, tmp_path):
    labels = LABELS[:30, :52].repeat(10, 0).repeat(10, 1)  # blocks of 100 pixels
    write_image(tmp_path / "utm.tif", labels)
    with rasterio.open(tmp_path / "utm.tif") as file, rasterio.vrt.WarpedVRT(file, crs="EPSG:4326") as warped:
        rasterio.shutil.copy(warped, tmp_path / "town.tif", driver="GTiff")
    with opened(town, tmp_path / "town.tif") as contents:
        fine, coarse = whole(image_of, contents, 2), whole(image_of, contents, 0)
    expected = COLOURS[np.minimum(labels, 2)].astype(int)
    assert np.percentile(np.abs(fine[..., :3] - expected), 90) < 12
    assert np.percentile(np.abs(coarse[..., :3] - expected[::4, ::4]), 80) < 20


def test_pixels_without_data_and_beyond_the_image_are_transparent(town, tmp_path):
    colours = np.moveaxis(COLOURS[np.minimum(LABELS, 2)], 2, 0)[:, :150, :260].copy()
    colours[:, :50, :50] = 0
    place = from_origin(500_000.0, 5_000_000 - 500, 10, 10)  # 50 rows further south
    write_geotiff(tmp_path / "part.tif", colours, photometric="rgb", nodata=0, transform=place)
    with opened(town, tmp_path / "part.tif") as contents:
        alpha = whole(image_of, contents, 2)[..., 3]
    assert (alpha[:50] == 0).all()
    assert (alpha[52:98, :48] == 0).all()
    assert (alpha[105:195, 55:255] == 255).all()
    assert (alpha[202:] == 0).all()
    assert (alpha[:, 262:] == 0).all()


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "float32"])
def test_what_an_image_does_not_cover_is_transparent_whatever_its_type(town, tmp_path, kind):
    pixels = rng.integers(1, 99, (4, HEIGHT, WIDTH)).astype(kind)
    write_geotiff(tmp_path / "image.tif", pixels, transform=from_origin(500_000 + 10 * WIDTH / 2, 5_000_000, 10, 10))
    with opened(town, tmp_path / "image.tif") as contents:
        alpha = whole(image_of, contents, 2)[..., 3]
    assert (alpha[:, : WIDTH // 2 - 2] == 0).all()
    assert (alpha[3:-3, WIDTH // 2 + 2 :] == 255).all()


def test_sixteen_bits_are_stretched_the_same_in_all_tiles(town, tmp_path):
    ramp = np.linspace(300, 4000, WIDTH).astype(np.uint16)
    write_geotiff(tmp_path / "deep.tif", np.broadcast_to(ramp, (3, HEIGHT, WIDTH)).copy(), photometric="rgb")
    with opened(town, tmp_path / "deep.tif") as contents:
        drawn = whole(image_of, contents, 2)[150, :, 0].astype(int)
    assert drawn[5] < 5
    assert drawn[-5] > 250
    expected = np.interp(ramp, np.percentile(ramp, [2, 98]), [0, 255])
    assert np.abs(drawn - expected).max() < 8


def test_bands_are_chosen_by_name_and_named_if_unclear(town, tmp_path, capsys):
    bands = np.stack([np.full((HEIGHT, WIDTH), value, np.uint8) for value in (10, 60, 110, 160, 210)])
    for name, descriptions in (("named", ("nir", "blue", "green", "red", "swir16")), ("unnamed", ())):
        write_geotiff(tmp_path / f"{name}.tif", bands)
        with rasterio.open(tmp_path / f"{name}.tif", "r+") as file:
            for band, description in enumerate(descriptions, 1):
                file.set_band_description(band, description)
    with opened(town, tmp_path / "named.tif") as contents:
        assert np.abs(image_of(contents, 0, 0, 0)[5, 5, :3].astype(int) - [160, 110, 60]).max() < 4
        assert contents.description["bands"] == ""
    assert capsys.readouterr().err == ""
    with opened(town, tmp_path / "unnamed.tif") as contents:
        assert np.abs(image_of(contents, 0, 0, 0)[5, 5, :3].astype(int) - [10, 60, 110]).max() < 4
        assert contents.description["bands"]
    assert "unnamed.tif: its bands do not tell" in capsys.readouterr().err


def test_near_infrared_that_gdal_takes_for_alpha_hides_nothing(town, tmp_path):
    pixels = np.concatenate(
        [np.moveaxis(COLOURS[np.minimum(LABELS, 2)], 2, 0), rng.integers(0, 99, (1, HEIGHT, WIDTH), np.uint8)]
    )
    write_geotiff(tmp_path / "four.tif", pixels, photometric="rgb", alpha="unspecified")
    with opened(town, tmp_path / "four.tif") as contents:
        assert (whole(image_of, contents, 2)[..., 3] == 255).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".jp2"])
def test_ordinary_images_of_the_same_size_are_shown(town, tmp_path, suffix):
    Image.fromarray(COLOURS[np.minimum(LABELS, 2)]).save(tmp_path / f"town{suffix}")
    with opened(town, tmp_path / f"town{suffix}") as contents:
        drawn = whole(image_of, contents, 2)
    assert np.median(np.abs(drawn[..., :3].astype(int) - COLOURS[np.minimum(LABELS, 2)])) < 12


def test_a_palette_is_looked_up(town, tmp_path):
    image = Image.fromarray(np.minimum(LABELS, 2))
    image.putpalette(COLOURS.tobytes())
    image.save(tmp_path / "town.png")
    with opened(town, tmp_path / "town.png") as contents:
        drawn = whole(image_of, contents, 2)
    assert np.median(np.abs(drawn[..., :3].astype(int) - COLOURS[np.minimum(LABELS, 2)])) < 12


def test_confidence_beside_the_map_is_found(town, tmp_path):
    confidence = write_geotiff(
        tmp_path / "town_confidence.tif", rng.integers(256, size=(1, HEIGHT, WIDTH), dtype=np.uint8)
    )
    with opened(town) as contents:
        assert contents.description["has"]["confidence"]
        np.testing.assert_array_equal(
            whole(lambda *place: labels_of(*place, key="confidence"), contents, 2), confidence[0]
        )


def test_confidence_of_another_grid_is_left_out_with_a_warning(town, tmp_path, capsys):
    write_geotiff(tmp_path / "town_confidence.tif", np.ones((1, HEIGHT, 20), np.uint8))
    with opened(town) as contents:
        assert not contents.description["has"]["confidence"]
    assert "town_confidence.tif: its grid is not that of the map" in capsys.readouterr().err


def test_another_map_of_the_same_classes_and_grid_is_compared(town, tmp_path):
    (tmp_path / "old").mkdir()
    write_labels(tmp_path / "old" / "town_mask.tif", LABELS[::-1].copy())
    with opened(town, other=tmp_path / "old" / "town_mask.tif") as contents:
        tiles = whole(lambda *place: labels_of(*place, key="other"), contents, 2)
        labels = contents.description["labels"]
    np.testing.assert_array_equal(tiles, LABELS[::-1])
    assert labels["other"] == "old/town_mask.tif"
    assert labels["prediction"].endswith("/town_mask.tif")


def test_other_classes_or_another_grid_cannot_be_compared(town, tmp_path):
    write_labels(tmp_path / "moved.tif", LABELS, transform=from_origin(500_000, 4_999_000, 10, 10))
    shutil.copy(town, tmp_path / "classes.tif")
    with rasterio.open(tmp_path / "classes.tif", "r+") as file:
        file.update_tags(CLASS_NAMES=json.dumps({"0": "land", "1": "sea", "2": "ice"}))
    for name, problem in (("moved.tif", "its grid"), ("classes.tif", "its classes")):
        with pytest.raises(LandcoverError, match=rf"{name}: {problem}"), opened(town, other=tmp_path / name):
            pass


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"transform": from_origin(100_000, 5_000_000, 10, 10)}, "has no pixel on the map"),
        ({"crs": 'LOCAL_CS["site",UNIT["metre",1]]'}, "cannot be warped"),
        ({"crs": None, "transform": from_origin(0, 0, 1, 1)}, "30 x 20 pixels, but the map has 520 x 300"),
    ],
)
def test_an_image_that_cannot_lie_on_the_map_is_refused(town, tmp_path, options, problem):
    write_geotiff(tmp_path / "image.tif", np.zeros((3, 20, 30), np.uint8), photometric="rgb", **options)
    with pytest.raises(LandcoverError, match=rf"image\.tif: .*{problem}"), opened(town, tmp_path / "image.tif"):
        pass


def test_a_file_is_not_shown_twice(town, tmp_path):
    (tmp_path / "link.tif").symlink_to(town)
    with pytest.raises(LandcoverError, match="given twice"), opened(town, tmp_path / "link.tif"):
        pass


def test_overviews_elsewhere_are_not_read(town):
    with rasterio.open(town, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/vsicurl/http://127.0.0.1:9/x.tif")
    with pytest.raises(LandcoverError, match="its overviews are in another file"), opened(town):
        pass


def test_large_files_without_overviews_are_named(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        size = {"height": 4200, "width": 4200, "count": 1, "dtype": "uint8", "compress": "deflate"}
        with rasterio.open(tmp_path / "large.tif", "w", driver="GTiff", sparse_ok=True, **size) as file:
            file.update_tags(CLASS_NAMES=json.dumps({"0": "land", "1": "sea"}))
    with opened(tmp_path / "large.tif") as contents:
        assert labels_of(contents, 0, 0, 0).shape == (132, 132)
    assert "gdaladdo -r mode" in capsys.readouterr().err


def test_a_file_that_is_deleted_or_damaged_meanwhile_costs_only_its_tiles(town, tmp_path):
    write_image(tmp_path / "town.tif")
    with opened(town, tmp_path / "town.tif") as contents:
        town.unlink()
        assert labels_of(contents, 0, 0, 0).shape == (75, 130)  # the open file is still there
        with (tmp_path / "town.tif").open("r+b") as file:
            file.truncate(2000)
        with pytest.raises(LandcoverError, match=r"town\.tif"):
            contents.read("image", 2, 1, 1)
        assert labels_of(contents, 2, 0, 0).shape == (256, 256)
