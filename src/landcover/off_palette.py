"""Pixels of masks whose colours are of no class: counted in bounded memory, and named in one line."""

from collections.abc import Mapping, Sequence

import numpy as np

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


def off_palette_line(place: object, counts: Mapping[str, int], pixels: int, limit: float, advice: str) -> str | None:
    """What is wrong with masks too many of whose pixels have colours of no class; None if it is within the limit.

    Args:
        place: The file, or whatever holds the masks.
        counts: See `most_frequent`.
        pixels: Number of all pixels.
        limit: Largest tolerated share, 0..1.
        advice: What to do.
    """
    off_palette = sum(counts.values())
    if off_palette <= limit * pixels:
        return None
    named = [f"{colour} ({count})" for colour, count in list(counts.items())[:_NAMED]]
    more = ""
    if len(counts) > _NAMED:
        more = f" and more than {KEPT} others" if OTHERS in counts else f" and {len(counts) - _NAMED} more"
    share = f"{off_palette / pixels:.2%} of the pixels have colours of no class"
    return f"{place}: {share}: {', '.join(named)}{more}. {advice}"
