"""The moving average of a network's weights, which becomes the model."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def decay_at(step: int, ema: float) -> float:
    """Decay of the average at update number `step`, counted from 1: `ema`, but less at first.

    With a constant decay of 0.99, more than half of the average after 60 steps would still be the initial weights and
    batch-norm statistics. So at first the average spans the last tenth of the steps, until `ema` spans fewer (the rule
    of TensorFlow's `ExponentialMovingAverage` with `num_updates`).
    """
    return min(ema, (1 + step) / (10 + step))


def averaging(ema: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """Make the function by which `torch.optim.swa_utils.AveragedModel` updates its tensors, with `decay_at`.

    Args:
        ema: Final decay per step, 0 <= ema < 1; 0 for no average.
    """

    @torch.no_grad()
    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], step: Tensor | int) -> None:
        decay = decay_at(int(step), ema)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(list(averages), list(currents), 1 - decay)
        else:  # counters of the batches that batch norm has seen
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)

    return update
