"""Off-palette pixels, whose colours or codes are of no class: counted in bounded memory, and named in one line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from landcover.system.errors import LandcoverError

KEPT = 1000
"""How many colours or codes are counted one by one: noise has millions."""

OTHERS = "others"
"""The key under which the pixels of all further colours or codes are counted."""

_NAMED = 3


def most_frequent(colours: np.ndarray, counts: np.ndarray) -> dict[str, int]:
    """Number of pixels by hexadecimal colour, the most frequent first; all beyond the first `KEPT` as `OTHERS`.

    Args:
        colours: uint32 (N,), packed as by `colours.pack`, each once.
        counts: Number of pixels of each: int64 (N,).
    """
    return _most_frequent(colours, counts, lambda colour: f"#{colour.to_bytes(3, 'little').hex()}")


def most_frequent_codes(codes: np.ndarray, counts: np.ndarray) -> dict[str, int]:
    """Number of pixels by code, as `most_frequent` counts those by colour; codes are whole numbers (N,), each once."""
    return _most_frequent(codes, counts, str)


def _most_frequent(values: np.ndarray, counts: np.ndarray, name: Callable[[int], str]) -> dict[str, int]:
    order = np.argsort(-counts, kind="stable")
    kept = {name(int(values[i])): int(counts[i]) for i in order[:KEPT]}
    return kept | {OTHERS: int(counts[order[KEPT:]].sum())} if len(order) > KEPT else kept


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """The sum of two results of `most_frequent`, bounded as they are.

    The total is exact. A colour may have been among the `OTHERS` before: its own count is then a lower bound.
    """
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
    """The off-palette pixels of some masks.

    Attributes:
        pixels: Number of all pixels of the masks.
        counts: Number of the off-palette ones by colour or code, see `most_frequent`.
        kind: What the keys are: colours or codes.
    """

    pixels: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    kind: str = "colours"

    def __add__(self, more: "OffPalette") -> "OffPalette":
        kind = self.kind if self.counts else more.kind
        return OffPalette(self.pixels + more.pixels, added(self.counts, more.counts), kind)

    @property
    def total(self) -> int:
        """Number of off-palette pixels."""
        return sum(self.counts.values())

    def check(self, place: object, limit: float, advice: str) -> None:
        """Return if at most a share `limit`, 0..1, of the pixels is off-palette.

        Args:
            place: The file or folder of the masks, for the message.
            advice: What to do, the end of the message.

        Raises:
            LandcoverError: More are off-palette; it names the most frequent colours or codes.
        """
        if self.total <= limit * self.pixels:
            return
        named = [f"{colour} ({count})" for colour, count in list(self.counts.items())[:_NAMED]]
        over = "over " if OTHERS in self.counts else ""
        more = f" and {over}{len(self.counts) - _NAMED} more" if len(self.counts) > _NAMED else ""
        share = f"{self.total / self.pixels:.2%} of the pixels have {self.kind} of no class"
        raise LandcoverError(f"{place}: {share}: {', '.join(named)}{more}. {advice}")
