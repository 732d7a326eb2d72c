"""Student's t distribution, of whole degrees of freedom."""

import math

import numpy as np


def t_quantile(level: float, degrees: int) -> float:
    """The t that a variable with `degrees` (1, 2, ...) of freedom stays within, -t to t, with probability `level`."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # halvings of an angle: to the last bit
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < level else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _within(angle: float, degrees: int) -> float:
    """Probability of |t| <= tan(angle) * sqrt(degrees) (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    odd = degrees % 2
    steps = np.arange(2, degrees - 1, 2) + odd  # 2, 4, ... degrees - 2, or 3, 5, ... degrees - 2
    series = 1 + np.cumprod((steps - 1) / steps * math.cos(angle) ** 2).sum()
    if not odd:
        return math.sin(angle) * series
    return 2 / math.pi * (angle + (math.sin(angle) * math.cos(angle) * series if degrees > 1 else 0))
