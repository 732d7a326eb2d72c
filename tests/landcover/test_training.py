import numpy as np
import pytest
import torch
from conftest import draw_pair
from torch.nn import functional

from landcover.augment import colour_jitter, random_symmetry
from landcover.classes import IGNORE
from landcover.crops import RandomCrops
from landcover.errors import LandcoverError
from landcover.losses import class_weights, cross_entropy, soft_dice
from landcover.models import build
from landcover.preparation import prepare
from landcover.samples import find_samples
from landcover.tiles import Tiles
from landcover.training import Trainer, warmup_cosine


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def tiles(tmp_path, classes):
    for i, (height, width) in enumerate([(64, 64), (50, 64), (20, 30)]):
        draw_pair(tmp_path / "pairs", f"{i}", height, width, seed=i)
    prepare(find_samples(tmp_path / "pairs"), classes, tmp_path / "out", tile=64, scale=1.0, max_off_palette=0.0)
    return Tiles.open(tmp_path / "out")


def test_crops_keep_out_of_the_padding_where_the_tile_is_large_enough(tiles):
    _, labels = RandomCrops(tiles, 20).draw(200, seeded())
    assert labels.shape == (200, 20, 20)
    assert (labels != IGNORE).all()


def test_what_a_small_tile_lacks_is_ignored(tiles):
    images, labels = RandomCrops(tiles, 80).draw(20, seeded())
    known = (labels != IGNORE).sum((1, 2))
    assert set(known.tolist()) <= {64 * 64, 50 * 64, 20 * 30}
    assert (images[labels == IGNORE] == 0).all()


def test_crops_are_drawn_in_proportion_to_pixels(tiles):
    _, labels = RandomCrops(tiles, 64).draw(3000, seeded())
    known = (labels != IGNORE).sum((1, 2))
    shares = [(known == pixels).float().mean().item() for pixels in (64 * 64, 50 * 64, 20 * 30)]
    assert shares == pytest.approx(np.array([4096, 3200, 600]) / 7896, abs=0.03)


def test_the_same_generator_gives_the_same_crops(tiles):
    crops = RandomCrops(tiles, 16)
    for first, second in zip(crops.draw(4, seeded(7)), crops.draw(4, seeded(7)), strict=True):
        assert first.equal(second)


def test_all_eight_symmetries_occur_and_labels_go_with_their_pictures():
    labels = torch.arange(9, dtype=torch.uint8).reshape(1, 3, 3).repeat(400, 1, 1)
    images = labels[..., None].repeat(1, 1, 1, 3)
    images, labels = random_symmetry(images, labels, seeded())
    assert images[..., 0].equal(labels)
    square = torch.arange(9, dtype=torch.uint8).reshape(3, 3)
    expected = {tuple(torch.rot90(x, k).flatten().tolist()) for x in (square, square.flip(1)) for k in range(4)}
    assert {tuple(x.flatten().tolist()) for x in labels} == expected


def test_colour_jitter_changes_each_picture_as_a_whole_and_by_its_own_amount():
    images = torch.rand(2000, 3, 2, 2, generator=seeded())
    jittered = colour_jitter(images, 0.1, seeded())
    slope = (jittered[..., 0, 0] - jittered[..., 1, 1]) / (images[..., 0, 0] - images[..., 1, 1])
    assert slope.median().item() == pytest.approx(1, abs=0.01)
    assert (slope - 1).abs().median().item() == pytest.approx(0.1 * 0.6745, rel=0.1)  # of a normal distribution
    assert (jittered - images * slope[..., None, None]).std().item() == pytest.approx(0.025, rel=0.2)
    assert colour_jitter(images, 0.0, seeded()).equal(images)


def test_cross_entropy_is_pytorchs_weighted_mean():
    logits, labels = torch.randn(2, 4, 5, 6, generator=seeded()), torch.randint(4, (2, 5, 6), generator=seeded())
    labels[0, :2] = IGNORE
    weights = torch.tensor([0.1, 2.0, 1.0, 0.5])
    total, weight = cross_entropy(logits, labels, weights)
    expected = functional.cross_entropy(logits, labels, weights, ignore_index=IGNORE)
    torch.testing.assert_close(total / weight, expected)


def test_soft_dice_is_that_of_a_plain_loop_over_known_pixels():
    logits, labels = torch.randn(2, 3, 4, 5, generator=seeded()), torch.randint(3, (2, 4, 5), generator=seeded())
    labels[1, 2:] = IGNORE
    overlap, size = [0.0] * 3, [0.0] * 3
    for n, row, column in np.ndindex(2, 4, 5):
        if labels[n, row, column] != IGNORE:
            for c, p in enumerate(logits[n, :, row, column].softmax(0).tolist()):
                overlap[c] += p * (labels[n, row, column] == c)
                size[c] += p + (labels[n, row, column] == c)
    expected = np.mean([1 - (2 * o + 1) / (s + 1) for o, s in zip(overlap, size, strict=True)])
    assert soft_dice(logits, labels).item() == pytest.approx(expected, abs=1e-5)


def test_soft_dice_of_a_sure_and_right_prediction_is_nothing_even_where_a_class_is_missing():
    labels = torch.tensor([[[0, 1], [1, IGNORE]]])
    logits = 50.0 * functional.one_hot(labels.clamp(max=1), 3).permute(0, 3, 1, 2)
    assert soft_dice(logits, labels).item() == pytest.approx(0, abs=1e-6)
    assert soft_dice(logits, torch.full_like(labels, IGNORE)).item() == pytest.approx(0, abs=1e-6)


def test_class_weights_average_to_one_and_lift_rare_classes():
    pixels = np.array([100, 900, 0])
    for exponent in (0.0, 0.5, 1.0):
        weights = class_weights(pixels, exponent).numpy()
        assert (weights * pixels).sum() / 1000 == pytest.approx(1)
        assert weights[0] / weights[1] == pytest.approx(9**exponent)
        assert weights[2] == 0


def test_the_learning_rate_rises_then_falls_to_nothing():
    factors = [warmup_cosine(step, 10, 110) for step in range(111)]
    assert factors.index(max(factors)) == 10
    assert factors[10] == 1
    assert factors[60] == pytest.approx(0.5)
    assert factors[110] == pytest.approx(0)
    assert factors == sorted(factors[:11]) + sorted(factors[11:], reverse=True)


def trainer(tiles, *, lr=3e-3, epochs=3, steps=25, ema=0.9, seed=0, batch_size=4, crop=32):
    torch.manual_seed(seed)
    return Trainer(
        build("fcn1s", "mobilenet_v2", 3),
        RandomCrops(tiles, crop),
        torch.ones(3),
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        weight_decay=0.01,
        warmup=5,
        ema=ema,
        dice=0.5,
        jitter=0.02,
        seed=seed,
        device=torch.device("cpu"),
    )


def test_it_learns_what_colour_tells(tiles):
    rows = list(trainer(tiles).run(tiles))
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
    assert rows[-1]["mean_iou"] > 0.9
    assert rows[-1]["pixel_accuracy"] > 0.95


def test_training_twice_gives_the_same_bits(tiles):
    first, second = trainer(tiles, epochs=1, steps=3), trainer(tiles, epochs=1, steps=3)
    assert list(first.run(tiles)) == list(second.run(tiles))
    other = second.average.state_dict()
    for name, weights in first.average.state_dict().items():
        assert weights.equal(other[name]), name


def test_another_seed_gives_other_weights(tiles):
    rows = [list(trainer(tiles, epochs=1, steps=2, seed=seed).run(tiles)) for seed in (0, 1)]
    assert rows[0][0]["train_loss"] != rows[1][0]["train_loss"]


def test_without_averaging_the_model_is_the_network_itself(tiles):
    run = trainer(tiles, epochs=1, steps=3, ema=0.0)
    list(run.run(tiles))
    for one, other in zip(run.network.parameters(), run.average.module.parameters(), strict=True):
        assert one.equal(other)


@pytest.mark.parametrize(("batch_size", "crop", "accepted"), [(1, 32, False), (2, 8, True), (1, 33, True)])
def test_a_batch_without_anything_to_normalise_over_is_refused(tiles, batch_size, crop, accepted):
    if accepted:
        list(trainer(tiles, epochs=1, steps=1, batch_size=batch_size, crop=crop).run(tiles))
    else:
        with pytest.raises(LandcoverError, match=r"train\.batch_size = 1 with train\.crop = 32: .* Raise one of them"):
            trainer(tiles, batch_size=batch_size, crop=crop)


def test_a_loss_that_is_not_finite_stops_training_with_its_place(tiles):
    with pytest.raises(LandcoverError, match=r"epoch 1, step \d+: the loss is (nan|inf) at a .* of .+e\+29\."):
        list(trainer(tiles, lr=1e30).run(tiles))
