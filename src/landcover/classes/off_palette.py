"""Pixels of masks whose colours are of no class: counted in bounded memory, and named in one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from landcover.system.errors import LandcoverError

KEPT = 1000
"""Colours that are counted one by one: noise has millions."""

OTHERS = "others"
"""The key under which the pixels of all further colours are counted."""

_NAMED = 3


def most_frequent(colours: Sequence[int], counts: Sequence[int]) -> dict[str, int]:
    """Number of pixels by hexadecimal colour, the most frequent first; beyond `KEPT` colours those of the `OTHERS`.

    Args:
        colours: Packed as `classes.pack` has them, each once.
        counts: The number of pixels of each.
    """
    counts = np.asarray(counts)
    order = np.argsort(-counts, kind="stable")
    kept = {f"#{int(colours[i]).to_bytes(3, 'little').hex()}": int(counts[i]) for i in order[:KEPT]}
    return kept | {OTHERS: int(counts[order[KEPT:]].sum())} if len(order) > KEPT else kept


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """The sum of two such counts, bounded like each: the total is exact, a colour's count at least what it says."""
    total = dict(counts)
    for colour, count in more.items():
        total[colour] = total.get(colour, 0) + count
    others = total.pop(OTHERS, 0)
    ranked = sorted(total, key=lambda colour: -total[colour])
    others += sum(total[colour] for colour in ranked[KEPT:])
    kept = {colour: total[colour] for colour in ranked[:KEPT]}
    return kept | {OTHERS: others} if others else kept


@dataclass(frozen=True)
class OffPalette:
    """Pixels of masks whose colours are of no class, as the files have them.

    Attributes:
        pixels: Number of all pixels of the masks.
        counts: By colour, see `most_frequent`.
    """

    pixels: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, more: "OffPalette") -> "OffPalette":
        return OffPalette(self.pixels + more.pixels, added(self.counts, more.counts))

    @property
    def total(self) -> int:
        """Number of the pixels whose colours are of no class."""
        return sum(self.counts.values())

    def check(self, place: object, limit: float, advice: str) -> None:
        """Return if no more than a share of the pixels, `limit` in 0..1, have colours of no class.

        Args:
            place: The file, or whatever holds the masks.
            advice: What to do, the end of the line.

        Raises:
            LandcoverError: They do; it names the most frequent colours.
        """
        if self.total <= limit * self.pixels:
            return
        named = [f"{colour} ({count})" for colour, count in list(self.counts.items())[:_NAMED]]
        over = "over " if OTHERS in self.counts else ""
        more = f" and {over}{len(self.counts) - _NAMED} more" if len(self.counts) > _NAMED else ""
        share = f"{self.total / self.pixels:.2%} of the pixels have colours of no class"
        raise LandcoverError(f"{place}: {share}: {', '.join(named)}{more}. {advice}")
