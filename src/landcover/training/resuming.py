"""Checks of the state in a checkpoint, before a training resumes from it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landcover.training.optimizers import OPTIMIZERS
from landcover.training.recipe import Recipe

_PARTS = {"network", "average", "optimizer", "scaler"}
_PROGRESS = {"done", "loss_sum", "rows", "dominant", "best"}
_NOT_NEGATIVE = ("running_var", "exp_avg_sq")
_ROW = {"epoch", "lr", "train_loss", "validation_loss", "tile_accuracy", "tile_mean_iou"}


def check_state(
    state: Any,
    fresh: Mapping[str, Mapping[str, Any]],
    recipe: Recipe,
    shapes: Sequence[torch.Size],
    classes: int,
) -> None:
    """Check a state that `landcover.training.trainer.Trainer` saved, before any of it is used.

    Args:
        state: The state that was read from the file.
        fresh: State dicts of the parts of a trainer that has not taken a step yet.
        recipe: The recipe of that trainer.
        shapes: Shapes of the parameters of its optimizer, in their order.
        classes: Number of classes.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: It is not a possible state; the message says why.
    """
    _check_keys("state", state, _PARTS | _PROGRESS)
    _check(type(state["done"]) is int and 0 < state["done"] <= recipe.epochs * recipe.steps, "done")
    _check(_is_number(state["loss_sum"]), "loss_sum")
    epochs = state["done"] // recipe.steps
    for name in ("rows", "dominant"):
        _check(type(state[name]) is list and len(state[name]) == epochs, name)
    for i, row in enumerate(state["rows"], 1):
        _check_keys("rows", row, _ROW)
        _check(row["epoch"] == i and all(value is None or _is_number(value) for value in row.values()), "rows")
    for dominant in state["dominant"]:
        if dominant is not None:
            label, predicted, truth = dominant
            _check(type(label) is int and 0 <= label < classes, "dominant")
            _check(all(_is_number(share) and 0 <= share <= 1 for share in (predicted, truth)), "dominant")
    _check_weights("network", state["network"], fresh["network"])
    _check_weights("average", state["average"], fresh["average"])
    _check(int(state["average"]["n_averaged"]) == state["done"], "average.n_averaged")
    _check((state["best"] is not None) == (recipe.keep == "best" and epochs > 0), "best")
    if state["best"] is not None:
        row, weights = state["best"]
        _check(row in state["rows"], "best")
        averaged = {key.removeprefix("module."): value for key, value in fresh["average"].items() if "." in key}
        _check_weights("best", weights, averaged)
    _check_optimizer(state["optimizer"], fresh["optimizer"], recipe, shapes, state["done"])
    _check_keys("scaler", state["scaler"], fresh["scaler"].keys())
    _check(all(_is_number(value) and value >= 0 for value in state["scaler"].values()), "scaler")


def _check_weights(place: str, weights: Any, fresh: Mapping[str, Tensor]) -> None:
    _check_keys(place, weights, fresh.keys())
    for name, expected in fresh.items():
        _check_tensor(f"{place}.{name}", weights[name], expected, expected.shape)


def _check_optimizer(
    state: Any, fresh: Mapping[str, Any], recipe: Recipe, shapes: Sequence[torch.Size], done: int
) -> None:
    """Check that settings other than the learning rate are those of the recipe, and the state of each parameter."""
    _check_keys("optimizer", state, fresh.keys())
    settings = [
        [{key: value for key, value in group.items() if key != "lr"} for group in each["param_groups"]]
        for each in (state, fresh)
    ]
    _check(settings[0] == settings[1], "optimizer.param_groups")
    expected = _state_of_one_parameter(recipe)
    for index, found in state["state"].items():
        place = f"optimizer.state.{index}"
        _check(type(index) is int and 0 <= index < len(shapes), place)
        _check_keys(place, found, expected.keys())
        for name, value in found.items():
            _check_tensor(f"{place}.{name}", value, expected[name], torch.Size() if name == "step" else shapes[index])
        _check("step" not in found or 0 < found["step"] <= done, f"{place}.step")


def _state_of_one_parameter(recipe: Recipe) -> dict[str, Tensor]:
    """The state that the optimizer of a recipe keeps for a parameter, after one step of a parameter of size 1."""
    parameter = torch.zeros(1, requires_grad=True)
    parameter.grad = torch.zeros(1)
    optimizer = OPTIMIZERS[recipe.optimizer]([parameter], recipe.momentum)
    optimizer.step()
    return dict(optimizer.state[parameter])


def _check_tensor(place: str, value: Any, expected: Tensor, shape: torch.Size) -> None:
    _check(isinstance(value, Tensor), place)
    _check(value.shape == shape and value.dtype == expected.dtype, place)
    _check(bool(value.isfinite().all()), f"{place} is not finite")
    if place.endswith(_NOT_NEGATIVE):
        _check(bool((value >= 0).all()), f"{place} is negative")


def _check_keys(place: str, table: Any, keys: Any) -> None:
    if not isinstance(table, Mapping):
        raise TypeError(f"{place} is not a table")
    if wrong := set(table) ^ set(keys):
        raise LookupError(f"{place}: {min(map(str, wrong))} is missing or unexpected")


def _check(condition: bool, place: str) -> None:
    if not condition:
        raise ValueError(place if " " in place else f"{place} is impossible")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
