"""Quantiles of Student's t distribution, without SciPy: it would be needed for nothing else."""

import math

import numpy as np


def t_quantile(level: float, degrees: int) -> float:
    """The t such that a variable of `degrees` (1, 2, ...) of freedom lies in -t..t with probability `level`."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # bisections of an angle, to the last bit
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _within(angle: float, degrees: int) -> float:
    """Probability of |t| <= tan(angle) * sqrt(degrees) (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    odd = degrees % 2
    steps = np.arange(2, degrees - 1, 2) + odd  # 2, 4, ... degrees - 2, or 3, 5, ... degrees - 2
    series = 1 + float(np.cumprod((steps - 1) / steps * math.cos(angle) ** 2).sum())
    if not odd:
        return math.sin(angle) * series
    return 2 / math.pi * (angle + (math.sin(angle) * math.cos(angle) * series if degrees > 1 else 0))
