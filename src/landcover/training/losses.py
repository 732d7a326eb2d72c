"""The losses that training can minimise, and weighted sums of them.

To add a loss, write its function with the decorator `_loss`, and a test. Its name is then allowed in the recipe and
listed in `params.yaml` and `docs/parameters.md` (`make docs`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from landcover.classes.class_table import UNKNOWN
from landcover.system.errors import LandcoverError
from landcover.system.processes import Processes

CLASS_WEIGHTS = {"none": 0.0, "sqrt_inverse": 0.5, "inverse": 1.0}
"""Rules for the weights of the classes, each with its exponent of 1 / (share of the pixels)."""


def class_weights(pixels: np.ndarray, rule: str | Sequence[float]) -> Tensor:
    """Weights of the classes in the cross-entropy and the focal loss.

    Args:
        pixels: Number of training pixels of each class, (C,).
        rule: One of `CLASS_WEIGHTS`, or the C weights themselves. Weights by a rule have a mean of 1 over all pixels;
            a class without pixels gets the weight 0.

    Returns:
        float32 (C,).

    Raises:
        LandcoverError: There are no pixels to learn from; or the weights are not one for each class, or none is above
            0.
    """
    if not pixels.any():
        raise LandcoverError(
            "no pixel of the training data is of a known class. Check its masks and the colours of the classes."
        )
    if not isinstance(rule, str):
        given = torch.tensor(rule, dtype=torch.float32)
        if len(given) != len(pixels) or given.min() < 0 or given.max() <= 0:
            raise LandcoverError(
                f"`class_weights` = {list(rule)}: should be one of {', '.join(CLASS_WEIGHTS)}, or {len(pixels)} "
                f"numbers, one for each class in the order of the classes, none below 0 and not all 0."
            )
        return given
    share = pixels / pixels.sum()
    weights = np.zeros(len(pixels))
    weights[share > 0] = share[share > 0] ** -CLASS_WEIGHTS[rule]
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)


def parse_loss(formula: str) -> dict[str, float]:
    """Read the weight of each loss in a sum such as `cross_entropy + 0.5*dice`.

    Raises:
        LandcoverError: It is not such a sum of losses in `LOSSES`, or one of them occurs twice.
    """
    terms: dict[str, float] = {}
    for term in formula.split("+"):
        match = re.fullmatch(r"\s*(?:([0-9]+\.?[0-9]*|\.[0-9]+)\s*\*)?\s*(\w+)\s*", term)
        weight, name = (float(match[1] or 1), match[2]) if match else (0.0, "")
        if weight <= 0 or name not in LOSSES or name in terms:
            raise LandcoverError(f"should be one of {', '.join(LOSSES)}, or a sum such as cross_entropy + 0.5*dice")
        terms[name] = weight
    return terms


class Criterion:
    """A weighted sum of losses over a batch, which may come in parts: by accumulation, or over several processes.

    Each loss is a total divided by a count. The count depends on the labels alone, so it is known for the whole batch
    before the first part is computed, and the losses of the parts add up to that of the batch. `dice` and `lovasz` are
    not sums over pixels: processes compute them jointly over their parts; over accumulated parts, they are averaged.

    Args:
        formula: As `parse_loss` reads it.
        class_weights: float32 (C,), for `cross_entropy` and `focal`.
        label_smoothing: Share (0..1) of the truth that `cross_entropy` spreads evenly over all classes.
        focal_gamma: Exponent of the focal loss, which for 0 is the cross-entropy.
    """

    def __init__(
        self, formula: str, class_weights: Tensor, label_smoothing: float = 0.0, focal_gamma: float = 2.0
    ) -> None:
        self._terms = parse_loss(formula)
        self.class_weights, self.label_smoothing, self.focal_gamma = class_weights, label_smoothing, focal_gamma

    def __len__(self) -> int:
        """Number of losses in the sum."""
        return len(self._terms)

    def to(self, device: torch.device) -> "Criterion":
        """Move the weights of the classes to `device`; return itself."""
        self.class_weights = self.class_weights.to(device)
        return self

    def counts(self, labels: Tensor) -> Tensor:
        """The counts by which totals for these labels, int64 (N, H, W), are divided: float32, one for each loss."""
        weight = self.class_weights[labels[labels != UNKNOWN]].sum()
        images = torch.full_like(weight, len(labels))
        return torch.stack([weight if LOSSES[name].by_pixel else images for name in self._terms])

    def totals(self, logits: Tensor, labels: Tensor, processes: Processes) -> Tensor:
        """Each loss of the sum times its count, without its weight in the sum: float32, one for each loss."""
        return torch.stack([LOSSES[name].total(self, logits, labels, processes) for name in self._terms])

    def value(self, totals: Tensor, counts: Tensor) -> Tensor:
        """The loss: float32 (). A loss with a count of 0 is 0."""
        weights = totals.new_tensor(list(self._terms.values()))
        return (weights * totals / counts.clamp(min=1e-6)).sum()

    def __call__(
        self, logits: Tensor, labels: Tensor, counts: Tensor | None = None, processes: Processes | None = None
    ) -> Tensor:
        """The loss of a batch, or the share of a part in it.

        Args:
            logits: float32 (N, C, H, W).
            labels: int64 (N, H, W), class indices or `UNKNOWN` for pixels that are ignored.
            counts: `counts` of the labels of the whole batch, if this is a part of it.
            processes: The processes that compute the loss together, each of a part of the same size.
        """
        counts = self.counts(labels) if counts is None else counts
        return self.value(self.totals(logits, labels, processes or Processes()), counts)


def _pixels(x: Tensor) -> Tensor:
    """Reshape (N, C, H, W) to (N * H * W, C), without a copy if channels are last in memory.

    PyTorch's losses are deterministic on CUDA in this shape, but not in the shape of images.
    """
    return x.permute(0, 2, 3, 1).flatten(0, 2)


@dataclass(frozen=True)
class Loss:
    """A loss of `LOSSES`.

    Attributes:
        total: Computes the loss times its count from logits, float32 (N, C, H, W), and labels, int64 (N, H, W).
        by_pixel: Whether the count is the sum of the class weights of the labelled pixels, not the number of images.
    """

    total: Callable[[Criterion, Tensor, Tensor, Processes], Tensor]
    by_pixel: bool


LOSSES: dict[str, Loss] = {}
"""The losses by name."""


def _loss(name: str, *, by_pixel: bool) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Add the decorated function to `LOSSES`, as the `total` of the loss `name`."""

    def add(total: Callable[..., Tensor]) -> Callable[..., Tensor]:
        LOSSES[name] = Loss(total, by_pixel)
        return total

    return add


@_loss("cross_entropy", by_pixel=True)
def _cross_entropy(criterion: Criterion, logits: Tensor, labels: Tensor, _: Processes) -> Tensor:
    return functional.cross_entropy(
        _pixels(logits),
        labels.flatten(),
        criterion.class_weights,
        ignore_index=UNKNOWN,
        reduction="sum",
        label_smoothing=criterion.label_smoothing,
    )


@_loss("focal", by_pixel=True)
def _focal(criterion: Criterion, logits: Tensor, labels: Tensor, _: Processes) -> Tensor:
    """Cross-entropy of each pixel times (1 - probability of its class)^gamma (Lin et al. 2017, with a softmax)."""
    log_probabilities = _pixels(logits).log_softmax(1)
    uncertainty = 1 - log_probabilities.exp()
    return functional.nll_loss(
        uncertainty**criterion.focal_gamma * log_probabilities,
        labels.flatten(),
        criterion.class_weights,
        ignore_index=UNKNOWN,
        reduction="sum",
    )


@_loss("dice", by_pixel=False)
def _dice(_: Criterion, logits: Tensor, labels: Tensor, processes: Processes) -> Tensor:
    """1 - 2 |prediction and truth| / (|prediction| + |truth|) of the batch, averaged over all classes.

    The prediction is the probabilities (Milletari et al. 2016, V-Net). All classes have the same weight, however rare
    they are, as in the mean IoU. The loss of a class that is not in the batch is 0.
    """
    known = (labels != UNKNOWN).flatten()
    probabilities = _pixels(logits.softmax(1))[known]  # (P, C)
    truth = functional.one_hot(labels.flatten()[known], logits.shape[1]).to(probabilities)  # (P, C)
    sums = torch.stack([(probabilities * truth).sum(0), probabilities.sum(0), truth.sum(0)])
    overlap, predicted, true = processes.differentiable_all_reduce(sums)
    losses: Tensor = (1 - 2 * overlap / (predicted + true).clamp(min=1e-6)).where(true > 0, 0)
    return len(labels) * losses.mean()


@_loss("lovasz", by_pixel=False)
def _lovasz(_: Criterion, logits: Tensor, labels: Tensor, processes: Processes) -> Tensor:
    """The Lovasz extension of 1 - IoU of the batch, averaged over the classes in it (Berman et al. 2018, section 3).

    The extension is a weighted sum of the pixels' errors. The weights depend only on the order of the errors, so they
    are constants for the gradient, and the only thing for which processes need each other's pixels.
    """
    known = (labels != UNKNOWN).flatten()
    truth = functional.one_hot(labels.flatten().where(known, 0), logits.shape[1]) * known[:, None]  # (P, C)
    errors = (truth - _pixels(logits.softmax(1)) * known[:, None]).abs().T  # (C, P), 0 where unknown
    with torch.no_grad():
        # Sort the pixels of all processes by falling error; unknown pixels come last and have no effect.
        order = torch.cat(processes.all_gather(errors), 1).sort(dim=1, descending=True, stable=True).indices
        ordered = torch.cat(processes.all_gather(truth.T), 1).gather(1, order)  # integers, whose sums are exact
        size = ordered.sum(1, keepdim=True)
        missing_iou = 1 - (size - ordered.cumsum(1)) / (size + (1 - ordered).cumsum(1))
        steps = missing_iou.diff(dim=1, prepend=missing_iou.new_zeros(len(size), 1))
        weights = torch.empty_like(steps).scatter_(1, order, steps)[:, processes.slice_of(steps.shape[1])]
        present = size.squeeze(1) > 0
    share: Tensor = (errors * weights).sum(1)[present].sum() / present.sum().clamp(min=1)
    return share * len(labels) * processes.count
