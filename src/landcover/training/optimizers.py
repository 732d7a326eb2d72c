"""Optimisers and learning-rate schedules."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

OPTIMIZERS: dict[str, Callable[[Any, float], torch.optim.Optimizer]] = {
    "adamw": lambda groups, momentum: torch.optim.AdamW(groups, fused=True),
    "adam": lambda groups, momentum: torch.optim.Adam(groups, fused=True),
    "sgd": lambda groups, momentum: torch.optim.SGD(groups, momentum=momentum, fused=True),
}
"""The optimisers by name. Each is made from groups of parameters and the momentum, which only sgd uses."""

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "poly": lambda progress: (1 - progress) ** 0.9,  # the power of DeepLab and its successors
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
}
"""Factors of the learning rate, by progress from 0 (end of the warm-up) to 1 (end of the training)."""

_WITH_KERNELS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def make_optimizer(
    network: nn.Module,
    optimizer: str,
    *,
    lr: float,
    backbone_lr: float = 1.0,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
) -> torch.optim.Optimizer:
    """Make one of `OPTIMIZERS` for the parameters of a network that need gradients.

    Each group of parameters stores its peak learning rate as `peak_lr`.

    Args:
        network: Its submodule `backbone` has `backbone_lr` times the learning rate.
        optimizer: One of `OPTIMIZERS`.
        lr: Peak learning rate.
        backbone_lr: Factor on the learning rate of the backbone.
        weight_decay: Of the kernels of convolutions and linear layers; biases and norms have none.
        momentum: Momentum of sgd.
    """
    kernels = {id(module.weight) for module in network.modules() if isinstance(module, _WITH_KERNELS)}
    backbone = {id(parameter) for parameter in network.get_submodule("backbone").parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            peak = lr * backbone_lr if id(parameter) in backbone else lr
            decay = weight_decay if id(parameter) in kernels else 0.0
            groups.setdefault((peak, decay), []).append(parameter)
    settings = [
        {"params": parameters, "lr": peak, "peak_lr": peak, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]
    return OPTIMIZERS[optimizer](settings, momentum)


def lr_factor(schedule: str, step: int, warmup: int, total: int) -> float:
    """Factor of the learning rate at `step` of `total`: a linear rise for `warmup` steps, then one of `SCHEDULES`."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return SCHEDULES[schedule](min(1.0, (step - warmup) / max(1, total - warmup)))
