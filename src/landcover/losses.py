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
