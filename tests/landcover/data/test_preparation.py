import numpy as np
import pytest
from conftest import draw_pair
from PIL import Image

from landcover.classes.class_table import IGNORE, pack
from landcover.data.preparation import prepare
from landcover.data.tiles import Tiles
from landcover.images.pairs import find_samples, read_rgb, scale_down
from landcover.system.errors import MAX_LISTED, LandcoverError


def run(folder, classes, out, *, tile=32, scale=1.0, max_off_palette=0.001):
    return prepare(find_samples(folder), classes, out, tile=tile, scale=scale, max_off_palette=max_off_palette)


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


def test_padding_is_ignored_and_counted_nowhere(pairs, classes, tmp_path):
    figures = run(pairs, classes, tmp_path / "out")
    tiles = Tiles.open(tmp_path / "out", classes)
    pixels = 40 * 40 + 33 * 57 + 70 * 21
    assert figures["pixels"] == pixels == (np.array(tiles.labels) != IGNORE).sum() == tiles.class_pixels(classes).sum()
    assert figures["images"] == 3
    assert figures["tiles"] == len(tiles.images) == len(tiles.labels) == len(tiles.table) == 4 + 4 + 3
    assert sum(figures["share"].values()) == pytest.approx(1)
    assert tiles.images.dtype == tiles.labels.dtype == np.uint8


def test_stray_colours_count_as_unknown_up_to_the_limit(pairs, classes, tmp_path):
    path = pairs / "0000_mask.png"
    mask = read_rgb(path).copy()
    mask[0, :8] = (255, 0, 0)
    Image.fromarray(mask).save(path)
    figures = run(pairs, classes, tmp_path / "out", max_off_palette=8 / 1600)
    assert figures["off_palette"] == 8
    assert figures["share"]["unknown"] == pytest.approx(8 / figures["pixels"])
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
    expected = ("0000_sat", "0002_mask", "0003_mask.png: 9x8 pixels, its image 8x8", "0004_sat")
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
