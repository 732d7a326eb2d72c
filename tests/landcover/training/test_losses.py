import numpy as np
import pytest
import torch
from conftest import seeded
from segmentation_models_pytorch.losses import DiceLoss, LovaszLoss, SoftCrossEntropyLoss
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from landcover.classes.class_table import IGNORE
from landcover.system.errors import LandcoverError
from landcover.training.losses import LOSSES, Criterion, class_weights, parse_loss

WEIGHTS = torch.tensor([0.1, 2.0, 1.0, 0.5])


def example(images=2, classes=4, seed=0, unknown=True):
    """Random logits and labels, some of them unknown."""
    generator = seeded(seed)
    logits = 2 * torch.randn(images, classes, 9, 7, generator=generator)
    labels = torch.randint(classes, (images, 9, 7), generator=generator)
    if unknown:
        labels[torch.rand(labels.shape, generator=generator) < 0.2] = IGNORE
    return logits, labels


def loss(formula, logits, labels, weights=None, **options):
    return Criterion(formula, torch.ones(logits.shape[1]) if weights is None else weights, **options)(logits, labels)


@pytest.mark.parametrize("seed", range(3))
def test_cross_entropy_is_pytorchs_weighted_mean(seed):
    logits, labels = example(seed=seed)
    expected = functional.cross_entropy(logits, labels, WEIGHTS, ignore_index=IGNORE)
    torch.testing.assert_close(loss("cross_entropy", logits, labels, WEIGHTS), expected)


def test_label_smoothing_is_that_of_segmentation_models():
    logits, labels = example(unknown=False)
    expected = SoftCrossEntropyLoss(smooth_factor=0.1)(logits, labels)
    torch.testing.assert_close(loss("cross_entropy", logits, labels, label_smoothing=0.1), expected)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_of_two_classes_is_torchvisions_of_their_difference(gamma):
    logits, labels = example(classes=2, unknown=False)
    difference = logits[:, 1] - logits[:, 0]
    expected = sigmoid_focal_loss(difference, labels.float(), alpha=-1, gamma=gamma, reduction="mean")
    torch.testing.assert_close(loss("focal", logits, labels, focal_gamma=gamma), expected)


def test_focal_loss_weighs_each_pixel_by_its_class_and_by_its_doubt():
    logits, labels = example()
    total = count = 0.0
    for n, row, column in (labels != IGNORE).nonzero().tolist():
        truth = labels[n, row, column].item()
        p = logits[n, :, row, column].softmax(0)[truth].item()
        total -= WEIGHTS[truth].item() * (1 - p) ** 2 * np.log(p)
        count += WEIGHTS[truth].item()
    assert loss("focal", logits, labels, WEIGHTS).item() == pytest.approx(total / count, rel=1e-5)


def test_without_gamma_the_focal_loss_is_the_cross_entropy():
    logits, labels = example()
    expected = loss("cross_entropy", logits, labels, WEIGHTS)
    torch.testing.assert_close(loss("focal", logits, labels, WEIGHTS, focal_gamma=0.0), expected)


@pytest.mark.parametrize("seed", range(3))
def test_dice_is_that_of_segmentation_models(seed):
    logits, labels = example(seed=seed)
    labels[labels == 3] = 1
    expected = DiceLoss("multiclass", ignore_index=IGNORE)(logits, labels)
    torch.testing.assert_close(loss("dice", logits, labels), expected)


@pytest.mark.parametrize("seed", range(3))
def test_lovasz_is_that_of_segmentation_models(seed):
    logits, labels = example(seed=seed)
    labels[labels == 3] = 1  # a class that is not there is left out of the mean
    expected = LovaszLoss("multiclass", ignore_index=IGNORE)(logits, labels)
    torch.testing.assert_close(loss("lovasz", logits, labels), expected)


def test_the_gradient_of_lovasz_is_that_of_segmentation_models():
    logits, labels = example()
    gradients = []
    for function in (
        lambda x: loss("lovasz", x, labels),
        lambda x: LovaszLoss("multiclass", ignore_index=255)(x, labels),
    ):
        leaf = logits.clone().requires_grad_()
        function(leaf).backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", LOSSES)
def test_a_sure_and_right_prediction_costs_nothing_and_unknown_pixels_never_do(name):
    labels = torch.tensor([[[0, 1], [1, IGNORE]]])
    logits = 50.0 * functional.one_hot(labels.clamp(max=1), 3).permute(0, 3, 1, 2)
    assert loss(name, logits, labels).item() == pytest.approx(0, abs=1e-6)
    assert loss(name, logits, torch.full_like(labels, IGNORE)).item() == pytest.approx(0, abs=1e-6)
    assert loss(name, -logits, labels).item() > 0.3


def test_a_sum_weighs_its_losses():
    logits, labels = example()
    total = loss("0.5*cross_entropy + 2 * lovasz+dice", logits, labels, WEIGHTS)
    parts = [loss(name, logits, labels, WEIGHTS) for name in ("cross_entropy", "lovasz", "dice")]
    torch.testing.assert_close(total, 0.5 * parts[0] + 2 * parts[1] + parts[2])


@pytest.mark.parametrize("formula", ["cross_entropy", "focal", "cross_entropy + focal"])
def test_the_losses_of_the_parts_of_a_batch_add_up_to_that_of_the_batch(formula):
    logits, labels = example(images=6)
    labels[:2] = IGNORE  # parts of very unlike numbers of known pixels
    criterion = Criterion(formula, WEIGHTS)
    counts = criterion.counts(labels)
    parts = [criterion(x, y, counts) for x, y in zip(logits.split(2), labels.split(2), strict=True)]
    torch.testing.assert_close(sum(parts), criterion(logits, labels))


@pytest.mark.parametrize("formula", ["", "crossentropy", "dice + ", "0*dice", "-1*dice", "dice + dice", "dice - focal"])
def test_what_is_no_sum_of_losses_is_refused(formula):
    with pytest.raises(LandcoverError, match="should be one of cross_entropy, focal, dice, lovasz, or a sum such as"):
        parse_loss(formula)


@pytest.mark.parametrize(("rule", "exponent"), [("none", 0), ("sqrt_inverse", 0.5), ("inverse", 1)])
def test_class_weights_average_to_one_and_lift_rare_classes(rule, exponent):
    pixels = np.array([100, 900, 0])
    weights = class_weights(pixels, rule).numpy()
    assert (weights * pixels).sum() / 1000 == pytest.approx(1)
    assert weights[0] / weights[1] == pytest.approx(9**exponent)
    assert weights[2] == 0


def test_class_weights_can_be_given():
    assert class_weights(np.array([1, 2, 3]), [0.5, 2, 0]).tolist() == [0.5, 2, 0]
    for wrong in ([1, 2], [1, 2, -1], [0, 0, 0]):
        with pytest.raises(LandcoverError, match="3 numbers, one for each class"):
            class_weights(np.array([1, 2, 3]), wrong)
