"""Which images a page shows if not all of them fit: the worst, the median, the best and a random sample."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_TURNS = ("low", "low", "middle", "high", "random")
"""Where in the ranking the next image is taken, turn by turn: the worst ones teach most."""


@dataclass(frozen=True)
class Ranking:
    """Images in an order, by their indices.

    Attributes:
        order: From the lowest value to the highest; images without a value are not in it.
        count: Number of all images.
        measure: What the values are, in words.
        low, high: What images of the lowest and of the highest values are called.
    """

    order: Sequence[int]
    count: int
    measure: str
    low: str
    high: str

    @classmethod
    def of(cls, values: Sequence[float | None], measure: str, low: str, high: str) -> "Ranking":
        """Rank images by values; equals in their order."""
        known = [(value, index) for index, value in enumerate(values) if value is not None]
        return cls([index for _, index in sorted(known)], len(values), measure, low, high)

    def priorities(self, seed: int) -> list[int]:
        """All images, the first to be shown first: however many are shown, the mixture is the same.

        Two of five are the lowest, one is next to the median, one of the highest, one random.

        Args:
            seed: Of the random ones.
        """
        shuffled = np.random.default_rng(seed).permutation(self.count).tolist()
        middle = (len(self.order) - 1) // 2
        places = sorted(range(len(self.order)), key=lambda place: (abs(place - middle), place))
        sources: dict[str, Iterator[int]] = {
            "low": iter(self.order),
            "middle": (self.order[place] for place in places),
            "high": reversed(self.order),
            "random": iter(shuffled),
        }
        chosen: dict[int, None] = {}  # a set in order
        while len(chosen) < self.count:
            for turn in _TURNS:
                found = next((index for index in sources[turn] if index not in chosen), None)
                if found is not None:
                    chosen[found] = None
        return list(chosen)

    def describe(self, shown: Collection[int], kind: str) -> str:
        """Say in a sentence which images are shown, exactly; nothing if all are.

        Args:
            shown: Their indices.
            kind: What the images are called, a plural.
        """
        if len(shown) == self.count:
            return ""
        if not shown:
            return f"None of {self.count} {kind} is shown."
        is_shown = [index in shown for index in self.order]
        low = _leading(is_shown)
        high = _leading(is_shown[:low:-1])
        middle = (len(self.order) - 1) // 2
        median = 0
        if low <= middle < len(is_shown) - high and is_shown[middle]:
            median = _leading(is_shown[middle::-1]) + _leading(is_shown[middle:]) - 1
        ranked = [
            _counted(low, f"the {{}}{self.low}"),
            "the median one" if median == 1 else f"{median} around the median" if median else "",
            _counted(high, f"the {{}}{self.high}"),
        ]
        rest = len(shown) - low - median - high
        parts = [part for part in (*ranked, f"{rest} chosen at random" if rest else "") if part]
        listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
        by = f", by {self.measure}" if any(ranked) else ""
        verb = "is" if len(shown) == 1 else "are"
        return f"{len(shown)} of {self.count} {kind} {verb} shown{by}: {listed}."


def _leading(flags: Sequence[bool]) -> int:
    """How many of the first flags are true, up to the first that is not."""
    return next((count for count, flag in enumerate(flags) if not flag), len(flags))


def _counted(count: int, words: str) -> str:
    return words.format("" if count == 1 else f"{count} ") if count else ""
