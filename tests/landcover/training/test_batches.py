import numpy as np
import pytest
import torch

from landcover.classes.class_table import UNKNOWN
from landcover.images.image_spec import ImageSpec
from landcover.system.processes import Processes
from landcover.training.augmentation import Augmentation
from landcover.training.batches import Batches


@pytest.fixture
def make(tiles, classes):
    def make(size, batch_size, **options):
        return Batches(tiles, tiles.class_pixels(classes), size=size, batch_size=batch_size, seed=0, **options)

    return make


def known_pixels(labels):
    return (labels != UNKNOWN).sum((1, 2))


def test_crops_keep_out_of_the_padding_where_the_tile_is_large_enough(make):
    labels = make(20, 200)[0, 0].labels
    assert labels.shape == (200, 20, 20)
    assert (labels != UNKNOWN).all()


def test_what_a_small_tile_lacks_is_ignored(make):
    images, labels, _ = make(80, 20)[0, 0]
    assert set(known_pixels(labels).tolist()) <= {64 * 64, 50 * 64, 20 * 30}
    assert (images[labels == UNKNOWN] == 0).all()


def test_crops_are_drawn_in_proportion_to_pixels(make):
    known = known_pixels(make(64, 3000)[0, 0].labels)
    shares = [(known == pixels).float().mean().item() for pixels in (64 * 64, 50 * 64, 20 * 30)]
    assert shares == pytest.approx(np.array([4096, 3200, 600]) / 7896, abs=0.03)


@pytest.mark.parametrize(
    ("balance", "chosen", "corners"),
    [
        (
            0.0,
            [0, 0, 0, 0, 1, 0, 0, 1],
            [[30, 37], [34, 27], [37, 35], [33, 17], [8, 3], [22, 35], [36, 29], [15, 11]],
        ),
        (
            0.5,
            [0, 0, 0, 1, 1, 0, 0, 1],
            [[19, 39], [34, 27], [37, 35], [12, 26], [8, 3], [22, 35], [39, 27], [15, 11]],
        ),
    ],
)
def test_crops_of_fully_labelled_tiles_are_those_of_version_0_3(make, balance, chosen, corners):
    """Trainings repeat to the bit: what is recorded of them stays true."""
    plan = make(24, 8, balance=balance, augmentation=Augmentation(jitter=0.1)).plan(1, 2)
    assert (plan.sides.tolist(), plan.tiles.tolist(), plan.corners.tolist()) == ([24] * 8, chosen, corners)


@pytest.fixture
def sparse(tiles):
    """The tiles with 1 % of their pixels labelled, a field and a few single pixels; and the pixels of each class."""
    labels = np.full_like(tiles.labels, UNKNOWN)
    labels[0, 3:9, 50:58] = tiles.labels[0, 3:9, 50:58]
    labels[0, 63, 0] = labels[1, 49, 63] = labels[1, 20, 20] = 2
    pixels = np.stack([np.bincount(tile[tile != UNKNOWN], minlength=3) for tile in labels])
    assert pixels.sum(1).tolist() == [49, 2, 0]
    return type(tiles)(tiles.images, labels, tiles.table), pixels


@pytest.mark.parametrize(("size", "zoom"), [(8, 1.0), (40, 2.0), (100, 1.0)])
@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_no_crop_is_without_a_known_pixel(sparse, size, zoom, balance):
    tiles, pixels = sparse
    options = {"size": size, "batch_size": 200, "balance": balance, "augmentation": Augmentation(zoom=zoom)}
    batches = Batches(tiles, pixels, seed=0, **options)
    plan, labels = batches.plan(0, 0), batches[0, 0].labels
    for tile, (row, column), side in zip(plan.tiles, plan.corners, plan.sides, strict=True):
        assert (tiles.labels[tile, row : row + side, column : column + side] != UNKNOWN).any()
    assert zoom > 1 or known_pixels(labels).min() > 0
    assert set(plan.tiles.tolist()) == {0, 1}  # the third has no known pixel
    extent = torch.tensor(tiles.table[["height", "width"]].to_numpy())[plan.tiles]
    assert (plan.corners >= 0).all()
    sides = plan.sides[:, None]
    assert (plan.corners + sides <= torch.maximum(extent, sides)).all()
    assert labels.equal(Batches(tiles, pixels, seed=0, **options)[0, 0].labels)


def test_tiles_are_drawn_in_proportion_to_their_known_pixels(sparse):
    tiles, pixels = sparse
    plan = Batches(tiles, pixels, size=8, batch_size=3000, seed=0).plan(0, 0)
    assert (plan.tiles == 1).float().mean().item() == pytest.approx(2 / 51, abs=0.015)


def test_known_pixels_are_moved_into_any_part_of_a_crop(sparse):
    tiles, pixels = sparse
    batches = Batches(tiles, pixels, size=16, batch_size=3000, seed=0)
    labels = batches[0, 0].labels[batches.plan(0, 0).tiles == 1]
    both = (labels != UNKNOWN).nonzero()[:, 1:]
    assert both.float().mean(0).tolist() == pytest.approx([10, 10], abs=3)
    assert len(both.unique(dim=0)) > 30


def test_a_class_of_few_pixels_is_balanced_where_most_are_unknown(sparse):
    tiles, pixels = sparse
    drawn = Batches(tiles, pixels, size=6, batch_size=600, seed=0, balance=1.0)[0, 0].labels
    for label in np.flatnonzero(pixels.sum(0)):
        assert (drawn == label).any(1).any(1).float().mean().item() > 0.25


def test_a_batch_depends_on_seed_epoch_and_step_alone(make):
    batches = make(16, 4)
    first, _ = batches[3, 1], batches[0, 0]
    again = batches[3, 1]
    assert first.images.equal(again.images)
    assert first.transforms.symmetry.equal(again.transforms.symmetry)
    assert not first.images.equal(batches[1, 3].images)


def test_processes_get_the_parts_of_one_batch(make):
    options = {"augmentation": Augmentation(zoom=1.5, jitter=0.1), "balance": 0.5}
    whole = make(16, 6, **options)[2, 3]
    parts = [make(16, 6, processes=Processes(rank, 3), **options)[2, 3] for rank in range(3)]
    assert whole.images.equal(torch.cat([part.images for part in parts]))
    assert whole.labels.equal(torch.cat([part.labels for part in parts]))
    assert whole.transforms.scale.equal(torch.cat([part.transforms.scale for part in parts]))
    assert whole.transforms.symmetry.equal(torch.cat([part.transforms.symmetry for part in parts], 1))


def test_balanced_crops_hold_rare_classes_as_often_as_others(tiles, classes):
    labels = np.array(tiles.labels)
    labels[labels == 1] = 0
    labels[0, 10, 60] = labels[1, 49, 0] = 1  # two pixels in all, by the borders of their tiles
    pixels = np.stack([np.bincount(tile[tile != UNKNOWN], minlength=3) for tile in labels])
    rare = type(tiles)(tiles.images, labels, tiles.table)
    for balance, least, most in ((0.0, 0, 0.12), (0.5, 0.1, 0.3), (1.0, 0.27, 0.45)):
        drawn = Batches(rare, pixels, size=8, batch_size=600, seed=0, balance=balance)[0, 0].labels
        assert drawn.shape == (600, 8, 8)
        assert (drawn != UNKNOWN).all()
        assert least <= (drawn == 1).any(1).any(1).float().mean().item() <= most


def test_tiles_of_a_batch_can_be_told(make):
    names = make(16, 64).tile_names(0, 0)
    assert names == ["0 at 0,0", "1 at 0,0", "2 at 0,0"]


def test_each_crop_is_zoomed_by_a_factor_of_its_own(make):
    batches = make(16, 60, augmentation=Augmentation(zoom=2.0))
    plan, (images, labels, _) = batches.plan(0, 0), batches[0, 0]
    assert images.shape == (60, 16, 16, 3)
    assert images.dtype == torch.uint8
    assert 8 <= plan.sides.min() < 12
    assert 22 < plan.sides.max() <= 32
    assert set(labels.unique().tolist()) <= {0, 1, 2, UNKNOWN}


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "uint32", "float32"])
def test_crops_of_other_types_are_float32_and_padded_with_the_mean(tiles, classes, dtype):
    means = np.array([3.0, 70.5, 100.0, 9.0])
    pixels = np.random.default_rng(0).integers(101, 127, size=(*tiles.labels.shape, 4)).astype(dtype)
    spec = ImageSpec(tuple("abcd"), dtype, tuple(means), (1, 1, 1, 1), (0, 0, 0, 0), (127, 127, 127, 127))
    other = type(tiles)(pixels, tiles.labels, tiles.table)
    options = {"size": 80, "batch_size": 20, "seed": 0, "augmentation": Augmentation(jitter=0.1)}
    images, labels, transforms = Batches(other, tiles.class_pixels(classes), images=spec, **options)[0, 0]
    assert images.dtype == torch.float32
    assert images.shape == (20, 80, 80, 4)
    assert transforms.scale.shape == (20, 4, 1, 1)
    padding = labels == UNKNOWN
    assert (images[padding] == torch.from_numpy(means).float()).all()
    assert (images[~padding] > 100).all()


def test_a_square_of_another_crop_of_the_batch_is_pasted_with_its_labels(make):
    plain, mixed = make(48, 60), make(48, 60, cutmix=0.5)
    plan = mixed.plan(1, 2)
    before, after = plain[1, 2], mixed[1, 2]
    assert 15 < sum(patch is not None for patch in plan.patches) < 45
    for tensor, expected in ((after.images, before.images), (after.labels, before.labels)):
        for i, patch in enumerate(plan.patches):
            wanted = expected[i].clone()
            if patch:
                assert 0.3 * 48 - 1 <= len(range(48)[patch.place[0]]) == len(range(48)[patch.place[1]]) <= 0.7 * 48 + 1
                wanted[patch.place] = expected[patch.crop][patch.place]
            assert tensor[i].equal(wanted)


def test_pasted_squares_are_the_same_whoever_reads_the_batch(make):
    whole = make(32, 8, cutmix=0.9)[0, 1]
    parts = [make(32, 8, cutmix=0.9, processes=Processes(rank, 2))[0, 1] for rank in range(2)]
    assert torch.cat([part.images for part in parts]).equal(whole.images)
    assert torch.cat([part.labels for part in parts]).equal(whole.labels)
