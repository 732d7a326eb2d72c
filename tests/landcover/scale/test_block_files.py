import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from landcover.classes.class_table import UNKNOWN
from landcover.scale.block_files import BlockFiles, is_finished, new_block, pixels_of, read_row
from landcover.scale.block_folder import Found
from landcover.scale.blocks import BlockGrid
from landcover.system.errors import LandcoverError

GRID = BlockGrid(600, 1100, 512)
PLACE = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10)}


@pytest.fixture
def files(tmp_path):
    return BlockFiles(tmp_path, "0" * 20, ("confidence", "probabilities"))


def labels_of(block):
    labels = np.random.default_rng(block.row * 10 + block.column).integers(3, size=block.size, dtype=np.uint8)
    labels[:5] = UNKNOWN
    return labels


def draw(files, block):
    labels = labels_of(block)
    with new_block(files, block, PLACE, 3) as add:
        for top in range(0, len(labels), 200):
            part = labels[top : top + 200]
            add["probabilities"](np.stack([part == label for label in range(3)]).astype(np.float32))
            add["confidence"](part)
            add["labels"](part)
    return labels


def test_a_block_lies_where_its_pixels_lie_and_counts_them(files):
    block = GRID.at(1, 2)[0]
    labels = draw(files, block)
    assert is_finished(files, block)
    assert pixels_of(files, block) == {label: (labels == label).sum() for label in (0, 1, 2, UNKNOWN)}
    assert sorted(path.name for path in files.folder.iterdir()) == [
        f"r0001_c0002_{'0' * 20}{layer}.tif" for layer in ("", "_confidence", "_probabilities")
    ]
    with rasterio.open(files.path(block)) as file:
        assert (file.read(1) == labels).all()
        assert file.transform * (0, 0) == (500_000 + 10_240, 5_000_000 - 5_120)
        assert (file.crs.to_epsg(), file.compression.name) == (32633, "deflate")


@pytest.mark.parametrize("layer", ["labels", "confidence", "probabilities"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "changed", "another"])
def test_a_damaged_block_is_not_finished(files, layer, damage):
    block = GRID.at(0, 0)[0]
    draw(files, block)
    path = files.path(block, layer)
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "changed":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "another":
        draw(files, GRID.at(1, 0)[0])
        files.path(GRID.at(1, 0)[0], layer).replace(path)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    assert not is_finished(files, block)


def test_what_ends_early_leaves_nothing(files):
    with pytest.raises(ZeroDivisionError), new_block(files, GRID.at(0, 0)[0], PLACE, 3) as add:
        add["labels"](np.zeros((200, 512), np.uint8))
        raise ZeroDivisionError
    assert list(files.folder.iterdir()) == []


def test_a_row_of_blocks_reads_as_one(files):
    labels = np.concatenate([draw(files, block) for block in GRID.row(0)], 1)
    assert (np.concatenate(list(read_row(files, GRID.row(0), "labels")), 1)[0] == labels).all()
    probabilities = np.concatenate(list(read_row(files, GRID.row(0), "probabilities")), 1)
    assert (probabilities == [labels == label for label in range(3)]).all()


def test_a_row_with_a_cut_block_reads_as_one(files):
    grid = BlockGrid(1100, 1700, 1024, {0: (512,), 3: (1536,)})
    strips = []
    for row in range(2):
        strips.append(np.concatenate([draw(files, block) for block in grid.row(row)], 1))
        assert (np.concatenate(list(read_row(files, grid.row(row), "labels")), 1)[0] == strips[-1]).all()
    assert np.concatenate(strips).shape == (1100, 1700)
    found = Found(files, grid)
    assert all(block in found for block in grid)
    assert found.cuts(BlockGrid(1100, 1700, 1024)) == {0: (512,), 3: (1536,)}


def test_places_stay_whole_or_cut_as_they_are_found(files):
    grid = BlockGrid(600, 6144, 2048)
    draw(files, grid.at(0, 0)[0])
    for cut in ({0: (512,)}, {1: (2560, 3072)}, {2: (5120,)}, {2: (4608, 5632)}):
        cut_grid = BlockGrid(600, 6144, 2048, cut)
        (number,) = cut
        draw(files, cut_grid.at(0, number)[1])
    found = Found(files, grid)
    cuts = found.cuts(grid)
    assert cuts == {1: (2560, 3072), 2: (4608, 5632)}  # a part that overlaps the one before it is not used
    assert [block in found for block in BlockGrid(600, 6144, 2048, cuts)] == [
        *[True],
        *[False, True, False],
        *[False, True, False],
    ]


def test_a_block_that_was_damaged_since_is_an_error_and_removed(files):
    for block in GRID.row(0):
        draw(files, block)
    path = files.path(GRID.at(0, 1)[0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(LandcoverError, match=r"r0000_c0001_0+\.tif: "):
        list(read_row(files, GRID.row(0), "labels"))
    assert not path.exists()


def test_a_folder_that_is_gone_is_one_line(files, tmp_path):
    gone = BlockFiles(tmp_path / "gone", files.fingerprint)
    with (
        pytest.raises(LandcoverError, match=r"gone.r0000_c0000_0+\.tif: cannot be written"),
        new_block(gone, GRID.at(0, 0)[0], PLACE, 3) as add,
    ):
        add["labels"](np.zeros((512, 512), np.uint8))
