"""How the weights follow their gradients: optimisers and learning-rate schedules."""

import math
from collections.abc import Callable

import torch
from torch import nn

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": lambda groups, momentum: torch.optim.AdamW(groups, fused=True),
    "adam": lambda groups, momentum: torch.optim.Adam(groups, fused=True),
    "sgd": lambda groups, momentum: torch.optim.SGD(groups, momentum=momentum, fused=True),
}

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "poly": lambda progress: (1 - progress) ** 0.9,  # the power of DeepLab and its successors
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
}
"""Factor of the learning rate, by progress from 0 (after warm-up) to 1 (the end of training)."""

_DECAYING = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def make_optimizer(
    network: nn.Module,
    optimizer: str,
    *,
    lr: float,
    backbone_lr: float = 1.0,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
) -> torch.optim.Optimizer:
    """One of `OPTIMIZERS` for the parameters of a network that need gradients; each group keeps its peak `peak_lr`.

    Args:
        network: Its part `backbone` learns with `backbone_lr` times the learning rate.
        weight_decay: On the kernels of convolutions and linear layers, not on biases and norms.
        momentum: Of sgd.
    """
    kernels = {id(module.weight) for module in network.modules() if isinstance(module, _DECAYING)}
    backbone = {id(parameter) for parameter in network.backbone.parameters()}
    groups = {}
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
    """Factor of the learning rate at `step` of `total`: up a line for `warmup` steps, then by one of `SCHEDULES`."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return SCHEDULES[schedule](min(1.0, (step - warmup) / max(1, total - warmup)))
