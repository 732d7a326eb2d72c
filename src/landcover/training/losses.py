"""What training minimises: a loss of this table, or a weighted sum of several."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from landcover.classes.class_table import IGNORE
from landcover.system.errors import LandcoverError
from landcover.system.processes import Processes

CLASS_WEIGHTS = {"none": 0.0, "sqrt_inverse": 0.5, "inverse": 1.0}
"""Rules for the weights of the classes: exponents of 1 / (share of the pixels)."""


def class_weights(pixels: np.ndarray, rule: str | Sequence[float]) -> Tensor:
    """Weights of the classes in the cross-entropy and the focal loss.

    Args:
        pixels: Number of training pixels of each class, (C,).
        rule: One of `CLASS_WEIGHTS`, or the C weights themselves. By a rule their mean over all pixels is 1, and a
            class without pixels gets the weight 0.

    Returns:
        float32 (C,).

    Raises:
        LandcoverError: Not one weight for each class, or none above 0; or no pixels to learn from.
    """
    if not pixels.any():
        raise LandcoverError("no pixel of the training data is of a known class. Check its masks, or data.classes.")
    if not isinstance(rule, str):
        weights = torch.tensor(rule, dtype=torch.float32)
        if len(weights) != len(pixels) or weights.min() < 0 or weights.max() <= 0:
            raise LandcoverError(
                f"train.class_weights = {list(rule)}: should be one of {', '.join(CLASS_WEIGHTS)}, or {len(pixels)} "
                f"numbers, one for each class in the order of data.classes, none below 0 and not all 0."
            )
        return weights
    share = pixels / pixels.sum()
    weights = np.zeros(len(pixels))
    weights[share > 0] = share[share > 0] ** -CLASS_WEIGHTS[rule]
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)


def parse_loss(formula: str) -> dict[str, float]:
    """Weights of the losses in a sum such as `cross_entropy + 0.5*dice`.

    Raises:
        LandcoverError: Not such a sum of losses of `LOSSES`, or one occurs twice.
    """
    terms = {}
    for term in formula.split("+"):
        match = re.fullmatch(r"\s*(?:([0-9.]+)\s*\*)?\s*(\w+)\s*", term)
        weight = float(match[1] or 1) if match and re.fullmatch(r"(\d+\.?\d*|\.\d+)?", match[1] or "") else 0.0
        if weight <= 0 or match[2] not in LOSSES or match[2] in terms:
            raise LandcoverError(f"should be one of {', '.join(LOSSES)}, or a sum such as cross_entropy + 0.5*dice")
        terms[match[2]] = weight
    return terms


class Criterion:
    """A weighted sum of losses over a batch that may come in parts, over steps of accumulation and over processes.

    Each loss is a total over a count. The count follows from the labels alone: known for the whole batch before the
    first part is computed, so that the parts' losses add up to that of the batch. `dice` and `lovasz` are no sums over
    pixels: processes compute them of their parts together, of parts that come one after the other it is the mean.

    Args:
        formula: As `parse_loss` reads it.
        class_weights: float32 (C,), for `cross_entropy` and `focal`.
        label_smoothing: Share (0..1) of the truth that `cross_entropy` spreads evenly over all classes.
        focal_gamma: Exponent of the focal loss; 0 makes it the cross-entropy.
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
        """Itself, its weights on `device`."""
        self.class_weights = self.class_weights.to(device)
        return self

    def counts(self, labels: Tensor) -> Tensor:
        """What the totals of labels, int64 (N, H, W), are to be divided by: float32, one for each loss of the sum."""
        weight = self.class_weights[labels[labels != IGNORE]].sum()
        images = torch.full_like(weight, len(labels))
        return torch.stack([weight if name in _BY_PIXEL else images for name in self._terms])

    def totals(self, logits: Tensor, labels: Tensor, processes: Processes) -> Tensor:
        """The losses of the sum, without their weights in it, each times its count: float32, one for each loss."""
        return torch.stack([LOSSES[name](self, logits, labels, processes) for name in self._terms])

    def value(self, totals: Tensor, counts: Tensor) -> Tensor:
        """The loss: float32 (). Nothing to count makes a loss 0."""
        weights = totals.new_tensor(list(self._terms.values()))
        return (weights * totals / counts.clamp(min=1e-6)).sum()

    def __call__(
        self, logits: Tensor, labels: Tensor, counts: Tensor | None = None, processes: Processes | None = None
    ) -> Tensor:
        """The loss of a batch, or the share in it of this part.

        Args:
            logits: float32 (N, C, H, W).
            labels: int64 (N, H, W), class indices or `IGNORE`, which counts for nothing.
            counts: `counts` of the labels of the whole batch; by default this is all of it.
            processes: Those that each compute the loss of a part just as large.
        """
        counts = self.counts(labels) if counts is None else counts
        return self.value(self.totals(logits, labels, processes or Processes()), counts)


def _pixels(x: Tensor) -> Tensor:
    """(N, C, H, W) as (N * H * W, C): a view if channels come last in memory.

    On CUDA the losses on it repeat themselves to the bit, those of PyTorch on images do not.
    """
    return x.permute(0, 2, 3, 1).flatten(0, 2)


def _cross_entropy(criterion: Criterion, logits: Tensor, labels: Tensor, _: Processes) -> Tensor:
    return functional.cross_entropy(
        _pixels(logits),
        labels.flatten(),
        criterion.class_weights,
        ignore_index=IGNORE,
        reduction="sum",
        label_smoothing=criterion.label_smoothing,
    )


def _focal(criterion: Criterion, logits: Tensor, labels: Tensor, _: Processes) -> Tensor:
    """Cross-entropy of each pixel times (1 - probability of its class)^gamma (Lin et al. 2017, on a softmax)."""
    log_probabilities = _pixels(logits).log_softmax(1)
    doubt = 1 - log_probabilities.exp()
    return functional.nll_loss(
        doubt**criterion.focal_gamma * log_probabilities,
        labels.flatten(),
        criterion.class_weights,
        ignore_index=IGNORE,
        reduction="sum",
    )


def _dice(_: Criterion, logits: Tensor, labels: Tensor, processes: Processes) -> Tensor:
    """1 - 2 |prediction and truth| / (|prediction| + |truth|) of the batch, averaged over all classes.

    Probabilities stand for the prediction (Milletari et al. 2016, V-Net). A class weighs the same however rare it is,
    as in the mean IoU; one that is not in the batch costs nothing.
    """
    known = (labels != IGNORE).flatten()
    probabilities = _pixels(logits.softmax(1))[known]  # (P, C)
    truth = functional.one_hot(labels.flatten()[known], logits.shape[1]).to(probabilities)  # (P, C)
    sums = torch.stack([(probabilities * truth).sum(0), probabilities.sum(0), truth.sum(0)])
    overlap, predicted, true = processes.differentiable_sum(sums)
    return len(labels) * (1 - 2 * overlap / (predicted + true).clamp(min=1e-6)).where(true > 0, 0).mean()


def _lovasz(_: Criterion, logits: Tensor, labels: Tensor, processes: Processes) -> Tensor:
    """The Lovasz extension of 1 - IoU of the batch, averaged over the classes in it (Berman et al. 2018, section 3).

    The extension is a sum of the pixels' errors, each times a weight that depends on the order of the errors alone: the
    weights are constants, and all that the processes have to tell each other.
    """
    known = (labels != IGNORE).flatten()
    truth = functional.one_hot(labels.flatten().where(known, 0), logits.shape[1]) * known[:, None]  # (P, C)
    errors = (truth - _pixels(logits.softmax(1)) * known[:, None]).abs().T  # (C, P), 0 where not known
    with torch.no_grad():
        # The pixels of all processes, in the order of falling errors; unknown ones come last and change nothing.
        order = torch.cat(processes.all_gather(errors), 1).sort(dim=1, descending=True, stable=True).indices
        ordered = torch.cat(processes.all_gather(truth.T), 1).gather(1, order)  # integers, whose sums are exact
        size = ordered.sum(1, keepdim=True)
        missing_iou = 1 - (size - ordered.cumsum(1)) / (size + (1 - ordered).cumsum(1))
        steps = missing_iou.diff(dim=1, prepend=missing_iou.new_zeros(len(size), 1))
        weights = torch.empty_like(steps).scatter_(1, order, steps)[:, processes.slice_of(steps.shape[1])]
        present = size.squeeze(1) > 0
    share = (errors * weights).sum(1)[present].sum() / present.sum().clamp(min=1)
    return share * len(labels) * processes.count


_BY_PIXEL = ("cross_entropy", "focal")
LOSSES: dict[str, Callable[[Criterion, Tensor, Tensor, Processes], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "focal": _focal,
    "dice": _dice,
    "lovasz": _lovasz,
}
"""Each loss's total: those by pixel over the weights of the labelled pixels, the others over the number of images."""
