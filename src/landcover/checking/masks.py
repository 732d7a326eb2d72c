"""Which classes masks have: colours or codes, and their shares."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from landcover.checking.findings import Findings
from landcover.checking.known_classes import Proposal, of_codes, of_colours
from landcover.classes.class_entries import ClassEntry
from landcover.classes.class_table import MAX_CLASSES
from landcover.classes.colours import Colour, hex_colour
from landcover.images.image_files import read_packed
from landcover.rasters.access import open_dataset
from landcover.rasters.masks import read_codes
from landcover.system.errors import LandcoverError

RARE = 0.0005
"""Share of the pixels below which a colour or code is taken for an error, not for a class."""

_TOLERATED = 0.001  # default of prepare.max_off_palette
_MOST_VALUES = 20_000  # different ones: masks have far fewer
_NAMED = 5


def has_codes(path: Path) -> bool:
    """Whether the pixels of a mask are codes, not colours: one band without a palette."""
    with open_dataset(path) as dataset:
        return bool(dataset.count == 1 and dataset.colorinterp[0].name != "palette")


def survey(paths: Sequence[Path], listed: Mapping[str, ClassEntry] | None, findings: Findings) -> None:
    """Find the classes of masks and their shares; set the keys `masks`, `classes` and `ignore`.

    Args:
        paths: Those to read.
        listed: Classes of a list that comes with the data set; None without.
        findings: Gets the classes, and a problem for each mask that cannot be read or is of another kind.
    """
    counts: dict[bool, Counter[int]] = {False: Counter(), True: Counter()}
    of_kind: dict[bool, list[Path]] = {False: [], True: []}
    for path in paths:
        try:
            codes = has_codes(path) and not _are_grey_colours(listed)
            counts[codes].update(_codes(path) if codes else _colours(path))
            of_kind[codes].append(path)
        except LandcoverError as error:
            findings.problems += error.lines
    codes = len(of_kind[True]) > len(of_kind[False])
    for path in of_kind[not codes]:
        kinds = ("codes", "colours") if not codes else ("colours", "codes")
        findings.problems.append(
            f"{path}: pixels are {kinds[0]}, those of most masks {kinds[1]}. Convert or remove it."
        )
    if not of_kind[codes]:
        return
    findings.values["masks"] = "codes" if codes else "colours"
    total = sum(counts[codes].values())
    if len(counts[codes]) > _MOST_VALUES:
        kind = "codes" if codes else "colours"
        findings.problems.append(
            f"{of_kind[codes][0].parent}: masks have more than {_MOST_VALUES} {kind}, as photographs have and "
            "masks that were saved as JPEG or scaled. Name other masks, or save them again."
        )
        return
    shares = {value: count / total for value, count in counts[codes].most_common()}
    propose(shares, codes, listed, " ".join(path.name for path in of_kind[codes][:_NAMED]), findings)


def propose(
    shares: Mapping[int, float], codes: bool, listed: Mapping[str, ClassEntry] | None, hint: str, findings: Findings
) -> None:
    """Set the classes that fit the values of masks or rasters of labels.

    Args:
        shares: Of the pixels by value, 0..1: codes, or packed colours (see `colours.pack`).
        codes: Whether they are codes.
        listed: Classes of a list that comes with the data set; None without.
        hint: Names of files, which may tell a known table.
        findings: Gets the classes and their shares, and a problem if too many pixels are of none.
    """
    named: dict[int | Colour, float] = {value if codes else _colour(value): share for value, share in shares.items()}
    if listed and any(entry.codes if codes else entry.colours for entry in listed.values()):
        proposal = Proposal(dict(listed), "the list that comes with the data set")
    else:
        frequent = sorted(value for value, share in shares.items() if share >= RARE)[:MAX_CLASSES]
        proposal = of_codes(frequent, hint) if codes else of_colours([_colour(value) for value in frequent])
    findings.classes = proposal
    owner = {
        value: name for name, entry in proposal.entries.items() for value in (entry.codes if codes else entry.colours)
    }
    findings.shares = dict.fromkeys(proposal.entries, 0.0)
    for value, share in named.items():
        if value in owner:
            findings.shares[owner[value]] += share
    others = {value: share for value, share in named.items() if value not in owner}
    if others:
        shown = [hex_colour(value) if isinstance(value, tuple) else str(value) for value in list(others)[:_NAMED]]
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        kind = "codes" if codes else "colours"
        line = f"{sum(others.values()):.2%} of the labelled pixels have {kind} of no class: {', '.join(shown)}{more}."
        if sum(others.values()) > _TOLERATED:
            findings.problems.append(f"{line} Add them to the classes, or raise prepare.max_off_palette.")
        else:
            findings.notes.append(f"{line} They count as unknown.")
    if len(proposal.entries) - (proposal.ignore is not None) < 2:
        findings.problems.append("only one class in the labels: nothing to tell apart. Label another class.")


def counted(values: np.ndarray) -> dict[int, int]:
    """How often each value occurs."""
    found, counts = np.unique(values, return_counts=True)
    return {int(value): int(count) for value, count in zip(found, counts, strict=True)}


def _codes(path: Path) -> dict[int, int]:
    values, valid = read_codes(path)
    return counted(values if valid is None else values[valid])


def _colours(path: Path) -> dict[int, int]:
    return counted(read_packed(path))


def _colour(packed: int) -> Colour:
    red, green, blue = packed.to_bytes(3, "little")
    return red, green, blue


def _are_grey_colours(listed: Mapping[str, ClassEntry] | None) -> bool:
    """Whether a list has grey colours only, and no codes: then grey masks have these colours."""
    if not listed or any(entry.codes for entry in listed.values()):
        return False
    return all(len(set(colour)) == 1 for entry in listed.values() for colour in entry.colours)
