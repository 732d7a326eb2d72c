import numpy as np
import pytest
import torch
from conftest import seeded

from landcover.classes.class_table import UNKNOWN
from landcover.images.image_spec import ImageSpec
from landcover.training.augmentation import Augmentation, augment, resized


def squares(count):
    """Images of which each pixel has a value of its own, which is also its label."""
    labels = torch.arange(9, dtype=torch.uint8).reshape(1, 3, 3).repeat(count, 1, 1)
    return labels[..., None].repeat(1, 1, 1, 3), labels


@pytest.mark.parametrize(
    ("symmetry", "turns", "mirrored"), [("none", [0], [0]), ("flip", [0], [0, 1]), ("d4", range(4), [0, 1])]
)
def test_all_symmetries_asked_for_occur_and_labels_go_with_their_images(symmetry, turns, mirrored):
    images, labels = augment(*squares(400), Augmentation(symmetry).draw(400, seeded()), 255)
    assert (255 * images[:, 0]).round().long().equal(labels)
    square = torch.arange(9).reshape(3, 3)
    views = [torch.rot90(square.flip(1) if m else square, turn) for turn in turns for m in mirrored]
    assert {tuple(x.flatten().tolist()) for x in labels} == {tuple(x.flatten().tolist()) for x in views}


def test_colour_jitter_changes_each_image_as_a_whole_and_by_its_own_amount():
    images = torch.randint(256, (2000, 2, 2, 3), generator=seeded(), dtype=torch.uint8)
    labels = torch.zeros(2000, 2, 2, dtype=torch.uint8)
    plain, _ = augment(images, labels, Augmentation("none").draw(2000, seeded()), 255)
    assert plain.equal(images.permute(0, 3, 1, 2) / 255)
    jittered, _ = augment(images, labels, Augmentation("none", jitter=0.1).draw(2000, seeded()), 255)
    apart = plain[..., 0, 0] != plain[..., 1, 1]
    slope = ((jittered[..., 0, 0] - jittered[..., 1, 1]) / (plain[..., 0, 0] - plain[..., 1, 1]))[apart]
    assert slope.median().item() == pytest.approx(1, abs=0.01)
    assert (slope - 1).abs().median().item() == pytest.approx(0.1 * 0.6745, rel=0.1)  # of a normal distribution


def test_zooming_stays_within_its_limits_and_reaches_near_them():
    sides = Augmentation(zoom=2.0).draw_sides(100, 300, seeded()).sort().values
    assert 50 <= sides[0] < 55
    assert 180 < sides[-1] <= 200
    assert sides[150].item() == pytest.approx(100, abs=10)
    assert Augmentation().draw_sides(100, 3, seeded()).tolist() == [100, 100, 100]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("side", [16, 64])
def test_resized_images_have_the_size_asked_for_and_labels_stay_labels(side, dtype):
    labels = np.full((side, side), 3, np.uint8)
    labels[: side // 2] = UNKNOWN
    image = np.zeros((side, side, 5), dtype)
    image[: side // 2] = 200
    image, labels = resized(image, labels, 32)
    assert (image.shape, image.dtype, labels.shape, labels.dtype) == ((32, 32, 5), dtype, (32, 32), np.uint8)
    assert (labels[:16] == UNKNOWN).all()
    assert (labels[16:] == 3).all()
    np.testing.assert_allclose(image[:15], 200, atol=1)
    assert not image[18:].any()


def test_jitter_acts_on_each_band_within_its_own_range():
    spec = ImageSpec(("warm", "db"), "float32", (300, -15), (5, 5), low=(290, -25), high=(310, -5))
    images = torch.stack([torch.linspace(290, 310, 9), torch.linspace(-25, -5, 9)], 1).reshape(1, 3, 3, 2)
    images, labels = images.repeat(4000, 1, 1, 1), torch.zeros(4000, 3, 3, dtype=torch.uint8)
    jittered, _ = augment(images, labels, Augmentation("none", jitter=0.1).draw(4000, seeded(), spec), spec.divisor)
    darkest, brightest = jittered[..., 0, 0], jittered[..., 2, 2]
    torch.testing.assert_close(darkest.mean(0), torch.tensor([290.0, -25.0]), rtol=0, atol=0.1)
    torch.testing.assert_close(darkest.std(0), torch.full((2,), 20 * 0.1 / 4), rtol=0.1, atol=0)
    torch.testing.assert_close((brightest - darkest).std(0), torch.full((2,), 20 * 0.1), rtol=0.1, atol=0)


def test_jitter_of_bytes_is_the_same_for_any_statistics():
    one = Augmentation(jitter=0.1).draw(5, seeded())
    other = Augmentation(jitter=0.1).draw(5, seeded(), ImageSpec(mean=(0, 0, 0), low=(3, 4, 5), high=(9, 9, 9)))
    assert all(map(torch.equal, one, other))
