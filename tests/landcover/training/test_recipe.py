import pytest
from pydantic import ValidationError

from landcover.models.networks import Architecture
from landcover.training.losses import LOSSES
from landcover.training.recipe import Recipe


def test_the_architecture_is_that_of_the_recipe():
    recipe = Recipe(model="fcn8s", backbone="resnet18", upsampling="learned", context=16)
    assert recipe.architecture() == Architecture("fcn8s", "resnet18", "learned", 16)


def test_what_shapes_the_model_is_independent_of_machine_and_place():
    shaping = Recipe(device="cpu", workers=3, log_every=7, checkpoint_minutes=1, weights="/my/w.pth").shaping()
    assert shaping == Recipe(weights="w.pth").shaping()
    assert shaping["weights"] == "w.pth"
    assert list(shaping)[:3] == ["model", "backbone", "weights"]
    assert not {"device", "workers", "log_every", "checkpoint_minutes"} & shaping.keys()


def test_networks_differ_in_their_seeds_alone():
    recipe = Recipe(networks=3, seed=2**63 - 2, lr=0.1)
    assert recipe.of_each_network() == [Recipe(seed=seed, lr=0.1) for seed in (2**63 - 2, 2**63 - 1, 0)]
    assert Recipe(networks=3).shaping() == Recipe().shaping()


def test_label_smoothing_needs_cross_entropy():
    assert Recipe(loss="dice + cross_entropy", label_smoothing=0.1)
    with pytest.raises(ValidationError, match=r"label_smoothing = 0\.1: needs cross_entropy, which is not in `loss`"):
        Recipe(loss="dice", label_smoothing=0.1)


def test_every_loss_is_allowed_and_in_the_description():
    for loss in LOSSES:
        assert Recipe(loss=loss).loss == loss
        assert loss in Recipe.model_fields["loss"].description
