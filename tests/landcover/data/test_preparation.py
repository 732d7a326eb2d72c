import math

import numpy as np
import pytest
import rasterio
from conftest import draw_pair
from PIL import Image
from raster_pairs import NAMES, draw_raster_pair

from landcover.classes.class_table import UNKNOWN
from landcover.classes.colours import pack
from landcover.data.preparation import prepare
from landcover.data.tiles import Tiles
from landcover.images.image_files import read_rgb
from landcover.images.pairs import find_samples
from landcover.images.resizing import scale_down
from landcover.system.errors import MAX_LISTED, LandcoverError


def run(folder, classes, out, *, tile=32, scale=1.0, max_off_palette=0.001, **options):
    samples = find_samples(folder)
    return prepare(samples, classes, out, tile=tile, scale=scale, max_off_palette=max_off_palette, **options)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_tiles_put_together_are_the_images_and_labels(pairs, classes, tmp_path, scale):
    run(pairs, classes, tmp_path / "out", scale=scale)
    tiles = Tiles.open(tmp_path / "out", classes)
    for sample in find_samples(pairs):
        image = scale_down(read_rgb(sample.image), scale)
        mask = read_rgb(sample.mask)
        rows, columns = (
            ((np.arange(n) + 0.5) / n * m).astype(int) for n, m in zip(image.shape[:2], mask.shape[:2], strict=True)
        )
        labels = classes.decode(pack(mask[np.ix_(rows, columns)]))[0]
        whole, whole_labels = np.zeros_like(image), np.zeros_like(labels)
        for i, tile in tiles.table[tiles.table.name == sample.name].iterrows():
            inside = np.s_[: tile.height, : tile.width]
            place = np.s_[tile.row : tile.row + tile.height, tile.column : tile.column + tile.width]
            whole[place], whole_labels[place] = tiles.images[i][inside], tiles.labels[i][inside]
        np.testing.assert_array_equal(whole, image)
        np.testing.assert_array_equal(whole_labels, labels)


def test_padding_is_unknown_and_counted_nowhere(pairs, classes, tmp_path):
    prepared = run(pairs, classes, tmp_path / "out")
    tiles = Tiles.open(tmp_path / "out", classes)
    pixels = 40 * 40 + 33 * 57 + 70 * 21
    assert prepared.pixels == pixels == (np.array(tiles.labels) != UNKNOWN).sum() == tiles.class_pixels(classes).sum()
    assert prepared.images == 3
    assert prepared.tiles == len(tiles.images) == len(tiles.labels) == len(tiles.table) == 4 + 4 + 3
    assert sum(prepared.share.values()) == pytest.approx(1)
    assert tiles.images.dtype == tiles.labels.dtype == np.uint8


def test_off_palette_pixels_count_as_unknown_up_to_the_limit(pairs, classes, tmp_path):
    path = pairs / "0000_mask.png"
    mask = read_rgb(path).copy()
    mask[0, :8] = (255, 0, 0)
    Image.fromarray(mask).save(path)
    prepared = run(pairs, classes, tmp_path / "out", max_off_palette=8 / 1600)
    assert prepared.off_palette == 8
    assert prepared.share["unknown"] == pytest.approx(8 / prepared.pixels)
    with pytest.raises(LandcoverError, match=r"0000_mask.png: 0.50% .* #ff0000 \(8\)\. Add them"):
        run(pairs, classes, tmp_path / "refused")


def test_all_bad_files_are_listed_at_once(pairs, classes, tmp_path):
    (pairs / "0000_sat.png").write_bytes(b"")
    (pairs / "0002_mask.png").write_text("text")
    draw_pair(pairs, "0003", 8, 8)
    Image.new("RGB", (9, 8)).save(pairs / "0003_mask.png")
    draw_pair(pairs, "0004", 64, 64)
    whole = (pairs / "0004_sat.png").read_bytes()
    (pairs / "0004_sat.png").write_bytes(whole[: len(whole) // 2])  # its header is sound
    with pytest.raises(LandcoverError) as error:
        run(pairs, classes, tmp_path / "out")
    lines = str(error.value).splitlines()
    expected = ("0000_sat", "0002_mask", "0003_sat.png differ: 9x8 and 8x8 pixels", "0004_sat")
    assert all(part in line for part, line in zip(expected, lines, strict=True))


def test_a_long_list_of_bad_files_is_cut(classes, tmp_path):
    for i in range(MAX_LISTED + 5):
        draw_pair(tmp_path / "many", f"{i:03d}", 8, 8)
        (tmp_path / "many" / f"{i:03d}_sat.png").write_bytes(b"")
    with pytest.raises(LandcoverError) as error:
        run(tmp_path / "many", classes, tmp_path / "out")
    lines = str(error.value).splitlines()
    assert len(lines) == MAX_LISTED + 1
    assert "5 more" in lines[-1]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_statistics_are_those_of_the_pixels_that_have_data(classes, tmp_path, dtype):
    hole = {"hole": np.nan} if dtype == "float32" else {"hole": 7, "nodata": 7}
    for i, size in enumerate([(40, 50), (33, 70), (64, 64)]):
        draw_raster_pair(tmp_path / "pairs", str(i), 4, dtype, size=size, seed=i, **hole)
    found = run(tmp_path / "pairs", classes, tmp_path / "out", bands=list(NAMES[4]))
    spec, tiles = found.spec, Tiles.open(tmp_path / "out", classes, found.spec)
    assert (spec.bands, spec.dtype) == (NAMES[4], dtype)
    assert tiles.images.dtype == np.dtype(dtype)
    pixels = np.array(tiles.images)[np.array(tiles.labels) != UNKNOWN].astype(float)
    np.testing.assert_allclose(spec.mean, pixels.mean(0) / spec.divisor, rtol=1e-5)
    np.testing.assert_allclose(spec.std, pixels.std(0) / spec.divisor, rtol=1e-5)
    low, high = np.percentile(pixels, (2, 98), axis=0, method="inverted_cdf")
    accuracy = 0.3 if dtype == "float32" else 0  # of a sample
    np.testing.assert_allclose(spec.low, low, rtol=0, atol=accuracy)
    np.testing.assert_allclose(spec.high, high, rtol=0, atol=accuracy)
    assert found.share["unknown"] == pytest.approx(1 - len(pixels) / found.pixels)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_pixels_without_data_are_unknown_and_touch_no_other(classes, tmp_path, scale):
    options = {"size": (64, 64), "seed": 3}
    draw_raster_pair(tmp_path / "whole", "a", 2, "float32", names=(), **options)
    draw_raster_pair(tmp_path / "holes", "a", 2, "float32", names=(), hole=np.nan, **options)
    for name in ("whole", "holes"):
        run(tmp_path / name, classes, tmp_path / f"{name}_out", tile=64, scale=scale, bands=[1, 2])
    spec = run(tmp_path / "whole", classes, tmp_path / "again", tile=64, scale=scale, bands=[1, 2]).spec
    whole, holes = (Tiles.open(tmp_path / f"{name}_out", classes, spec) for name in ("whole", "holes"))
    assert np.isfinite(holes.images).all()
    known, side, border = holes.labels[0] != UNKNOWN, round(64 * scale), math.ceil(7 * scale)
    assert not known[: int(5 * scale), : int(7 * scale)].any()
    assert known[:side, border:side].all()
    np.testing.assert_allclose(holes.images[0][:, border:], whole.images[0][:, border:], rtol=1e-6)


def test_a_class_where_there_is_no_data_is_counted_and_not_learned(classes, tmp_path):
    draw_raster_pair(tmp_path / "pairs", "a", 1, "uint16", hole=0, nodata=0)
    Image.fromarray(classes.encode(np.zeros((64, 64), np.uint8))).save(tmp_path / "pairs" / "a_mask.png")
    found = run(tmp_path / "pairs", classes, tmp_path / "out", bands=["nir"])
    assert found.unseen == 5 * 7
    assert found.share["unknown"] == pytest.approx(35 / 64**2)


def test_the_statistics_of_ordinary_images_are_known_too(pairs, classes, tmp_path):
    spec = run(pairs, classes, tmp_path / "out").spec
    pixels = np.concatenate([read_rgb(sample.image).reshape(-1, 3) for sample in find_samples(pairs)])
    assert spec.is_rgb
    np.testing.assert_allclose(spec.mean, pixels.mean(0) / 255, rtol=1e-6)
    np.testing.assert_allclose(spec.std, pixels.std(0) / 255, rtol=1e-6)
    assert spec.low == tuple(np.percentile(pixels, 2, axis=0, method="inverted_cdf"))


def test_a_constant_band_is_a_warning_and_is_not_divided_by_zero(classes, tmp_path, capsys):
    for name in "ab":
        draw_raster_pair(tmp_path / "pairs", name, 2, "uint16", names=("red", "flat"))
        with rasterio.open(tmp_path / "pairs" / f"{name}_sat.tif", "r+") as file:
            file.write(np.full((64, 64), 77, np.uint16), 2)
    spec = run(tmp_path / "pairs", classes, tmp_path / "out", bands=["red", "flat"]).spec
    assert (spec.mean[1], spec.std[1]) == (77, 1)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warnings == [
        f"warning: {tmp_path}/pairs: all pixels have the same value in flat, from which nothing can be learned"
    ]


def test_images_of_several_types_are_listed(classes, tmp_path):
    for name, dtype in (("a", "uint16"), ("b", "uint8"), ("c", "uint16"), ("d", "float32")):
        draw_raster_pair(tmp_path / "pairs", name, 4, dtype)
    with pytest.raises(LandcoverError) as error:
        run(tmp_path / "pairs", classes, tmp_path / "out", bands=["red", "nir"])
    assert [line.split(": ")[0][-9:] for line in error.value.lines] == ["b_sat.tif", "d_sat.tif"]
    assert not (tmp_path / "out").exists()


def test_a_split_that_validates_must_be_like_the_one_that_trains(classes, tmp_path):
    draw_raster_pair(tmp_path / "train", "a", 4, "uint16")
    draw_raster_pair(tmp_path / "validation", "a", 4, "uint8")
    spec = run(tmp_path / "train", classes, tmp_path / "out", bands=["red", "nir"]).spec
    assert run(tmp_path / "train", classes, tmp_path / "again", bands=["red", "nir"], like=spec).spec == spec
    with pytest.raises(LandcoverError, match=r"a_sat\.tif: its pixels are uint8, those of the training images uint16"):
        run(tmp_path / "validation", classes, tmp_path / "refused", bands=["red", "nir"], like=spec)
