import os
import signal

import pytest
import torch
from conftest import BACKBONE

from landcover.models.networks import build
from landcover.system.errors import LandcoverError
from landcover.training.checkpoints import Checkpoint
from landcover.training.recipe import Recipe
from landcover.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def make(tiles, classes):
    """A function that makes a trainer, by default of a small network on few small crops."""

    def make(**settings):
        defaults = {
            "backbone": BACKBONE,
            "epochs": 1,
            "steps": 3,
            "batch_size": 4,
            "crop": 32,
            "jitter": 0.02,
            "class_weights": [1, 1, 1],
            "lr": 3e-3,
            "backbone_lr": 1.0,
            "freeze_batch_norm": False,
            "weight_decay": 0.01,
            "warmup": 5,
            "ema": 0.9,
            "log_every": 0,
        }
        recipe = Recipe(**(defaults | settings))
        torch.manual_seed(recipe.seed)
        return Trainer(build(recipe.architecture(), 3), tiles, classes, recipe, CPU)

    return make


def same_bits(one, other):
    one, other = one.result().network.state_dict(), other.result().network.state_dict()
    return all(weights.equal(other[name]) for name, weights in one.items())


def test_it_learns_classes_that_differ_in_colour(make, tiles):
    rows = list(make(epochs=3, steps=25).run(tiles))
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
    assert rows[-1]["tile_mean_iou"] > 0.9
    assert rows[-1]["tile_accuracy"] > 0.95


@pytest.mark.parametrize("loss", ["focal", "dice", "lovasz", "cross_entropy + lovasz"])
def test_every_loss_teaches(make, tiles, loss):
    rows = list(make(loss=loss, epochs=2, steps=40).run(tiles))
    assert rows[-1]["tile_accuracy"] > 0.6


@pytest.mark.parametrize(
    "options", [{"optimizer": "adam"}, {"optimizer": "sgd", "lr": 0.1}, {"schedule": "poly", "clip": 0.0}]
)
def test_every_optimizer_teaches(make, tiles, options):
    rows = list(make(epochs=2, steps=40, **options).run(tiles))
    assert rows[-1]["tile_accuracy"] > 0.6


def test_training_twice_gives_the_same_bits(make, tiles):
    first, second = make(), make()
    assert list(first.run(tiles)) == list(second.run(tiles))
    assert same_bits(first, second)


def test_reading_batches_ahead_changes_nothing(make, tiles):
    first, second = make(), make(workers=2)
    assert list(first.run(tiles)) == list(second.run(tiles))
    assert same_bits(first, second)


def test_another_seed_gives_other_weights(make, tiles):
    first, second = make(seed=0), make(seed=1)
    assert list(first.run(tiles)) != list(second.run(tiles))


def test_without_averaging_the_model_is_the_network_itself(make, tiles):
    trainer = make(ema=0.0)
    list(trainer.run(tiles))
    for one, other in zip(trainer.stepper.network.parameters(), trainer.result().network.parameters(), strict=True):
        assert one.equal(other)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_the_epoch_asked_for_is_kept(make, tiles, keep):
    trainer = make(epochs=5, steps=4, lr=0.02, warmup=0, ema=0.0, keep=keep)
    rows = list(trainer.run(tiles))
    row, network, _ = trainer.result()
    assert row == (rows[-1] if keep == "last" else max(rows, key=lambda row: row["tile_mean_iou"]))
    again = make(epochs=1, steps=1)
    again.stepper.average.module.load_state_dict(network.state_dict())
    again._done = 1
    again._finish_epoch(tiles)
    assert again._rows[-1]["tile_mean_iou"] == row["tile_mean_iou"]


def test_parts_of_a_batch_give_the_gradients_of_the_whole(make, tiles):
    options = {"model": "fcn8s", "backbone": "vgg11", "loss": "cross_entropy + focal", "ema": 0.0, "optimizer": "sgd"}
    whole, parts = make(**options), make(**options, accumulate=4)
    for one, other in zip(whole.run(tiles), parts.run(tiles), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    weights = parts.result().network.state_dict()
    for name, tensor in whole.result().network.state_dict().items():
        torch.testing.assert_close(tensor, weights[name])


def test_a_batch_that_does_not_divide_is_refused(make):
    with pytest.raises(LandcoverError, match=r"^`batch_size` = 4: should be a multiple of 3, .* `accumulate` = 3"):
        make(accumulate=3)


def test_frozen_batch_norm_keeps_its_statistics_and_allows_batches_of_one(make, tiles):
    trainer = make(freeze_batch_norm=True, batch_size=1, ema=0.0)
    before = {name: buffer.clone() for name, buffer in trainer.stepper.network.named_buffers()}
    list(trainer.run(tiles))
    assert all(buffer.equal(before[name]) for name, buffer in trainer.stepper.network.named_buffers())


def test_frozen_layers_keep_weights_and_statistics_while_the_others_learn(make, tiles):
    trainer = make(freeze_stride=4, weight_decay=0.1, ema=0.0)
    before = {name: tensor.clone() for name, tensor in trainer.stepper.network.state_dict().items()}
    list(trainer.run(tiles))
    after = trainer.result().network.state_dict()
    kept = {name for name, tensor in after.items() if tensor.equal(before[name])}
    frozen = {name for name, parameter in trainer.stepper.network.named_parameters() if not parameter.requires_grad}
    assert frozen <= kept
    assert any(name.endswith("running_mean") for name in kept)
    assert not kept & {name for name, weights in trainer.stepper.network.named_parameters() if weights.requires_grad}


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ({"batch_size": 1, "crop": 32}, False),
        ({"batch_size": 2, "crop": 32, "accumulate": 2}, False),
        ({"batch_size": 1, "model": "deeplabv3", "backbone": "mobilenet_v3_large", "crop": 32}, False),
        ({"batch_size": 2, "crop": 8}, True),
        ({"batch_size": 1, "crop": 33}, True),
        ({"batch_size": 1, "crop": 32, "model": "fcn8s", "backbone": "vgg11"}, True),
    ],
)
def test_a_batch_without_anything_to_normalise_over_is_refused(make, tiles, options, accepted):
    trainer = make(steps=1, **options)
    if accepted:
        list(trainer.run(tiles))
    else:
        with pytest.raises(LandcoverError, match=r"^`batch_size` = .* batch norm needs more than one value"):
            list(trainer.run(tiles))


def test_a_loss_that_is_not_finite_stops_training_and_names_batch_learning_rate_and_tiles(make, tiles, tmp_path):
    checkpoint = Checkpoint(tmp_path / "train.pt", "")
    place = r"epoch \d+, batch \d: the (loss|norm of the gradients) is (nan|inf) at a learning rate of .+e\+29\."
    trainer = make(lr=1e30, epochs=5, steps=2, checkpoint_minutes=0)
    with pytest.raises(LandcoverError, match=place + r" Lower `lr`, or check the tiles of the batch: 0 at 0,0"):
        list(trainer.run(tiles, checkpoint))
    assert checkpoint.load()["done"] == trainer._done > 0


def test_a_network_that_breaks_in_the_last_batch_is_not_kept(make, tiles):
    with pytest.raises(LandcoverError, match=r"^epoch 1: the loss on the validation tiles is nan\. Lower `lr`\.$"):
        list(make(lr=1e38, warmup=0, steps=1, ema=0.0).run(tiles))


def stopped_after(trainer, tiles, checkpoint, steps):
    """Press Ctrl-C during a step; return the message of the training."""
    step = trainer.stepper.step

    def interrupted(batch, number, flags):
        if number == steps - 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(batch, number, flags)

    trainer.stepper.step = interrupted
    with pytest.raises(KeyboardInterrupt) as interrupt:
        list(trainer.run(tiles, checkpoint))
    return str(interrupt.value)


@pytest.mark.parametrize("steps", [1, 3, 4, 5])
@pytest.mark.parametrize("options", [{"keep": "best"}, {"optimizer": "sgd", "workers": 1, "lr": 0.1}])
def test_an_interrupted_training_goes_on_and_ends_in_the_same_bits(make, tiles, tmp_path, capsys, steps, options):
    options = {"epochs": 3, "steps": 3, **options}
    undisturbed = make(**options)
    rows = list(undisturbed.run(tiles))
    checkpoint = Checkpoint(tmp_path / "train.pt", "")
    place = f"epoch {(steps - 1) // 3 + 1}, batch {(steps - 1) % 3 + 1}"
    said = stopped_after(make(**options), tiles, checkpoint, steps)
    assert said == f"stopped after {place}. Run the same command again to go on from there."
    resumed = make(**options)
    assert list(resumed.run(tiles, checkpoint)) == rows
    assert f"going on after {place}\n" in capsys.readouterr().out
    assert resumed.result().row == undisturbed.result().row
    assert same_bits(resumed, undisturbed)


def test_a_finished_training_has_nothing_left_to_do(make, tiles, tmp_path):
    checkpoint = Checkpoint(tmp_path / "train.pt", "")
    first, second = make(epochs=2), make(epochs=2)
    rows = list(first.run(tiles, checkpoint))
    assert list(second.run(tiles, checkpoint)) == rows
    assert same_bits(first, second)


def first_moment(state):
    return state["optimizer"]["state"][0]


ALTERATIONS = {
    "no optimizer": lambda state: state.pop("optimizer"),
    "an additional key": lambda state: state.update(more=1),
    "a number as network": lambda state: state.update(network=3),
    "no first weight": lambda state: state["network"].pop(next(iter(state["network"]))),
    "a weight of another shape": lambda state: state["network"].update(dict.fromkeys(state["network"], torch.ones(7))),
    "NaN weights": lambda state: [
        value.fill_(float("nan")) for value in state["average"].values() if value.is_floating_point()
    ],
    "whole numbers as weights": lambda state: state["network"].update(
        {name: value.int() for name, value in state["network"].items()}
    ),
    "a list as weight": lambda state: state["network"].update({name: [1.0] for name in state["network"]}),
    "more steps than there are": lambda state: state.update(done=10**6),
    "steps below 0": lambda state: state.update(done=-1),
    "a string for steps": lambda state: state.update(done="4"),
    "another number of steps": lambda state: state.update(done=state["done"] - 3, rows=[], dominant=[]),
    "a string as row": lambda state: state.update(rows=["row"]),
    "one row too many": lambda state: state["rows"].append(state["rows"][0]),
    "a row without a figure": lambda state: state["rows"][0].pop("lr"),
    "an infinite figure": lambda state: state["rows"][0].update(lr=float("inf")),
    "a dominant class that does not exist": lambda state: state.update(dominant=[(99, 1.0, 0.0)]),
    "no best": lambda state: state.update(best=None),
    "numbers as best": lambda state: state.update(best=(1, 2)),
    "a best row that is not one of the rows": lambda state: state.update(best=({"epoch": 1}, state["best"][1])),
    "a NaN loss": lambda state: state.update(loss_sum=float("nan")),
    "a moment of another shape": lambda state: first_moment(state).update(exp_avg=torch.zeros(1)),
    "a moment below 0": lambda state: first_moment(state)["exp_avg_sq"].fill_(-1.0),
    "a missing moment": lambda state: first_moment(state).pop("exp_avg"),
    "moments of an unknown parameter": lambda state: state["optimizer"]["state"].update({10**4: first_moment(state)}),
    "another weight decay": lambda state: state["optimizer"]["param_groups"][0].update(weight_decay=7.0),
    "no groups": lambda state: state["optimizer"].update(param_groups=[]),
    "a scaler that is not used": lambda state: state.update(scaler={"scale": "x"}),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_an_altered_checkpoint_with_a_correct_digest_is_not_used_and_does_no_harm(make, tiles, tmp_path, capsys, what):
    options = {"model": "baseline", "epochs": 2, "steps": 3, "keep": "best"}
    undisturbed = make(**options)
    rows = list(undisturbed.run(tiles))
    checkpoint = Checkpoint(tmp_path / "train.pt", "")
    stopped_after(make(**options), tiles, checkpoint, 4)
    state = checkpoint.load()
    ALTERATIONS[what](state)
    checkpoint.save(state)
    resumed = make(**options)
    assert list(resumed.run(tiles, checkpoint)) == rows
    assert same_bits(resumed, undisturbed)
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{tmp_path}/train.pt: damaged (")
    assert said.endswith("), not used: training starts anew.")


@pytest.mark.parametrize("ema", [0.99, 0.999])
@pytest.mark.parametrize(
    ("model", "backbone"),
    [
        ("fcn1s", BACKBONE),
        pytest.param("fcn1s", "mobilenet_v3_large", marks=pytest.mark.long),
        pytest.param("fcn8s", "resnet18", marks=pytest.mark.long),
    ],
)
def test_a_short_training_with_a_long_average_is_as_good_as_one_without(make, tiles, model, backbone, ema):
    options = {"model": model, "backbone": backbone, "steps": 40, "warmup": 10}
    averaged, plain = (list(make(**options, ema=decay).run(tiles))[-1] for decay in (ema, 0.0))
    assert averaged["tile_accuracy"] > max(0.5, plain["tile_accuracy"] - 0.05)


def test_the_class_that_the_kept_network_predicts_most_often_is_known(make, tiles):
    trainer = make(epochs=2, steps=1, lr=1e-9)
    with torch.no_grad():
        for score in trainer.stepper.network.decoder.modules():  # the last class, whatever is in the image
            if isinstance(score, torch.nn.Conv2d) and score.out_channels == 3:
                score.weight.zero_()
                score.bias.copy_(torch.tensor([0.0, 0.0, 9.0]))
    list(trainer.run(tiles))
    dominant = trainer.result().dominant
    assert (dominant.label, dominant.predicted) == (2, 1.0)
    assert 0.2 < dominant.truth < 0.5
    assert dominant.has_collapsed


def test_lines_show_the_progress_where_there_is_no_progress_bar(make, tiles, capsys):
    list(make(epochs=2, steps=4, log_every=2).run(tiles))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"epoch {e}, batch {b}" for e in (1, 2) for b in (2, 4)]
    assert all(" loss " in line and " lr " in line and line.endswith(" images/s") for line in lines)


@pytest.mark.long
@pytest.mark.skipif(not torch.cpu._is_avx512_bf16_supported(), reason="this CPU has no instructions for bfloat16")
def test_half_precision_computes_and_keeps_full_weights(make, tiles):
    trainer = make(precision="bf16", epochs=2, steps=30)
    rows = list(trainer.run(tiles))
    assert rows[-1]["tile_accuracy"] > 0.6
    assert {parameter.dtype for parameter in trainer.result().network.parameters()} == {torch.float32}
