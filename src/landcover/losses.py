"""What training minimises."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from landcover.classes import IGNORE


def class_weights(pixels: np.ndarray, exponent: float) -> Tensor:
    """Weights (1 / share)^exponent of the classes, scaled so that their mean over all pixels is 1.

    Args:
        pixels: Number of training pixels of each class, (C,). A class without any gets the weight 0.
        exponent: 0 for equal weights, 1 for classes of equal total weight.

    Returns:
        float32 (C,).
    """
    share = pixels / pixels.sum()
    weights = np.zeros(len(pixels))
    weights[share > 0] = share[share > 0] ** -exponent
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy summed over the pixels, each times the weight of its class, and the sum of these weights.

    The loss is their quotient; two parts let it be averaged exactly over batches of unlike sizes.

    Args:
        logits: (N, C, H, W).
        labels: int64 (N, H, W), class indices or `IGNORE`, which counts for nothing.
        weights: float32 (C,).
    """
    # One row a pixel: a view of channels-last logits, and deterministic on CUDA, which the two-dimensional form is not.
    rows, labels = logits.permute(0, 2, 3, 1).flatten(0, 2), labels.flatten()
    total = functional.cross_entropy(rows, labels, weights, ignore_index=IGNORE, reduction="sum")
    return total, weights[labels[labels != IGNORE]].sum()


def soft_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - 2 |prediction and truth| / (|prediction| + |truth|) of a batch, averaged over the classes: 0..1.

    Probabilities stand for the prediction (Milletari et al. 2016, V-Net). A class weighs the same however rare it is,
    as in the mean IoU; one pixel is added above and below, so that classes that are not there ask for nothing.

    Args:
        logits: (N, C, H, W).
        labels: int64 (N, H, W), class indices or `IGNORE`, which counts for nothing.
    """
    known = (labels != IGNORE).flatten()
    probabilities = logits.softmax(1).permute(0, 2, 3, 1).flatten(0, 2)[known]  # (P, C)
    truth = functional.one_hot(labels.flatten()[known], logits.shape[1]).to(probabilities)  # (P, C)
    overlap = (probabilities * truth).sum(0)
    return 1 - ((2 * overlap + 1) / (probabilities.sum(0) + truth.sum(0) + 1)).mean()
