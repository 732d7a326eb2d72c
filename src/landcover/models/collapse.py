"""The class that a network gives most often: if that is nearly always, the network has learned nothing."""

from dataclasses import dataclass

import numpy as np

COLLAPSED = 0.99
"""Share of the pixels from which on a network has one answer to everything, unless the truth is alike."""


@dataclass(frozen=True)
class Favourite:
    """The class that a network gives most often.

    Attributes:
        label: Its index.
        predicted, truth: Its shares (0..1) of the labelled pixels.
    """

    label: int
    predicted: float
    truth: float

    @classmethod
    def of(cls, confusion: np.ndarray) -> "Favourite | None":
        """That of a confusion matrix (C, C), whose rows are labels and columns predictions; None if it is empty."""
        total = confusion.sum()
        if not total:
            return None
        label = int(confusion.sum(0).argmax())
        return cls(label, float(confusion[:, label].sum() / total), float(confusion[label].sum() / total))

    @property
    def is_all(self) -> bool:
        """Whether the network gives hardly anything else, though there is something else."""
        return self.predicted >= COLLAPSED > self.truth

    def complaint(self, name: str) -> str:
        """What is wrong with a network that gives one class, of this name, only; and what to do."""
        return (
            f"it gives {self.predicted:.1%} of the labelled validation pixels the class {name!r}, which is right for "
            f"{self.truth:.1%}: expect that of its maps too. Train longer (train.epochs, train.steps), or with a lower "
            "train.ema, train.warmup or train.lr."
        )
