"""The moving average of a network's weights, which becomes the model."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def decay_at(step: int, ema: float) -> float:
    """Decay of the average at the `step`-th update, from 1 on: `ema`, less in the beginning.

    An average that decays by 0.99 from its first step on consists, after 60 steps, by more than half of weights and
    batch-norm statistics that have seen nothing. So it spans the last tenth of the steps until that is as long as what
    `ema` asks for (the rule of TensorFlow's `ExponentialMovingAverage` with `num_updates`).
    """
    return min(ema, (1 + step) / (10 + step))


def averaging(ema: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """How `torch.optim.swa_utils.AveragedModel` updates its tensors: by `decay_at`.

    Args:
        ema: Decay per step in the end, 0 <= ema < 1; 0 for no average.
    """

    @torch.no_grad()
    def update(averages: Sequence[Tensor], currents: Sequence[Tensor], step: Tensor | int) -> None:
        decay = decay_at(int(step), ema)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, currents, 1 - decay)
        else:  # counters: of batches that batch norm has seen
            for average, current in zip(averages, currents, strict=True):
                average.copy_(current)

    return update
