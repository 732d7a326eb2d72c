"""Whether the predictions of a network have collapsed to one class, so that it has learned nothing."""

from dataclasses import dataclass

import numpy as np

COLLAPSED = 0.99
"""Share of the pixels with one predicted class from which on predictions have collapsed, unless the truth is alike."""


@dataclass(frozen=True)
class DominantClass:
    """The class that a network predicts most often.

    Attributes:
        label: Its index.
        predicted, truth: Its share (0..1) of the labelled pixels in the predictions, and in the truth.
    """

    label: int
    predicted: float
    truth: float

    @classmethod
    def of(cls, confusion: np.ndarray) -> "DominantClass | None":
        """Find it in a confusion matrix (C, C), whose rows are labels and columns predictions; None if that is empty.

        Of classes predicted equally often it is the first.
        """
        total = confusion.sum()
        if not total:
            return None
        label = int(confusion.sum(0).argmax())
        return cls(label, float(confusion[:, label].sum() / total), float(confusion[label].sum() / total))

    @property
    def has_collapsed(self) -> bool:
        """Whether hardly any other class is predicted, although the truth has others."""
        return self.predicted >= COLLAPSED > self.truth

    def warning(self, name: str) -> str:
        """Say that predictions have collapsed to the class of this name, and what to do."""
        return (
            f"it predicts the class {name!r} for {self.predicted:.1%} of the labelled validation pixels, which is "
            f"right for {self.truth:.1%} of them: expect the same of its maps. Train for more epochs or steps, or with "
            "a lower ema, warmup or lr."
        )
