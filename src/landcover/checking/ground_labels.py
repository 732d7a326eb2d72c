"""Labels on the map of a data set: which file has them, and which classes they have."""

import itertools
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from landcover.checking.discovery import Files
from landcover.checking.findings import Findings
from landcover.checking.known_classes import Proposal, of_codes, of_names
from landcover.checking.masks import propose
from landcover.classes.class_entries import ClassEntry
from landcover.classes.colours import pack, read_colour
from landcover.labels.summary import LabelSummary
from landcover.rasters.scene_files import common_pattern

_ALIKE = 0.8  # of 1: names that differ by a letter or two


def find_labels(root: Path, files: Files, findings: Findings) -> str | None:
    """Find the value of the key `labels`; None if it is not clear."""
    found = files.vectors or files.rasters
    if not found:
        findings.problems.append(
            f"{root}: no labels: no polygons, points or raster of classes. Draw polygons, for example in QGIS, and "
            "save them there as a GeoPackage."
        )
        return None
    if files.vectors and files.rasters:
        findings.notes.append(f"{files.rasters[0]}: also labels; name it in data.labels to use it instead")
    if len(found) == 1:
        return str(found[0].relative_to(root))
    if files.vectors:
        names = ", ".join(path.name for path in found[:5])
        findings.problems.append(f"{root}: several files of polygons or points: {names}. Give the one with the labels.")
        return None
    folder = found[0].parent
    if {path.parent for path in found} == {folder}:
        pattern = str(Path(folder, common_pattern([path.name for path in found])).relative_to(root))
        if sorted(root.glob(pattern)) == sorted(found):
            return pattern
        if folder != root and not any(path.parent == folder for path in files.scenes):
            return str(folder.relative_to(root))
    findings.problems.append(
        f"{root}: several rasters of labels among other files. Move them to a folder of their own."
    )
    return None


def describe(summary: LabelSummary, findings: Findings) -> None:
    """Say what the labels are."""
    kinds = {"codes": "rasters of codes", "colours": "rasters of colours"}
    facts = {
        "file": str(summary.path),
        "kind": f"{summary.count} {kinds.get(summary.kind, summary.kind)}",
        "reference system": summary.crs or "none",
        "place": summary.extent,
    }
    for name, counts in summary.columns.items():
        values = [f"{value} ({count})" for value, count in list(counts.items())[:8]]
        more = f" and {len(counts) - 8} more" if len(counts) > 8 else ""
        facts[f"column {name}"] = f"{', '.join(values)}{more}"
    findings.facts["labels"] = facts
    findings.notes += [f"{summary.path}: {problem}" for problem in summary.problems]
    counts = summary.columns.get(summary.column or "", {})
    for value, other in itertools.permutations(counts, 2):
        if 10 * counts[value] <= counts[other] and SequenceMatcher(None, value, other).ratio() >= _ALIKE:
            alike = f"{value!r} ({counts[value]}) is almost {other!r} ({counts[other]})"
            findings.notes.append(f"{summary.path}: {alike}: is it the same class?")


def set_classes(summary: LabelSummary, listed: Mapping[str, ClassEntry] | None, findings: Findings) -> None:
    """Set the classes that fit the labels, their shares, and the keys that say how to read them.

    Args:
        summary: Of the labels.
        listed: Classes of a list that comes with the data set; None without.
        findings: Gets them, or a problem.
    """
    if summary.kind in ("codes", "colours"):
        findings.values["masks"] = summary.kind
        is_colour = summary.kind == "colours"
        shares = {
            int(pack(np.array(read_colour(value), np.uint8))) if is_colour else int(value): share
            for value, share in summary.shares.items()
            if value != "others"
        }
        propose(shares, not is_colour, listed, summary.path.name, findings)
        if findings.classes and summary.palette and not findings.classes.source.startswith("the list"):
            findings.classes = _with_palette(findings.classes, summary.palette)
        return
    if summary.column is None:
        columns = ", ".join(summary.columns) or "none has few values"
        findings.problems.append(
            f"{summary.path}: which column has the class is not clear: {columns}. Give it as --column."
        )
        return
    findings.values["column"] = summary.column
    findings.shares = dict(summary.shares)
    values = list(summary.columns[summary.column])
    if listed and all(value in listed or _owner(value, listed) for value in values):
        findings.classes = Proposal(dict(listed), "the list that comes with the data set")
        of_class: dict[str, float] = dict.fromkeys(listed, 0.0)
        for value, share in summary.shares.items():
            of_class[value if value in listed else _owner(value, listed)] += share
        findings.shares = of_class
    elif all(value.lstrip("-").isdecimal() for value in values):
        findings.classes = of_codes(sorted(map(int, values)), f"{summary.path.name} {summary.column}")
        findings.shares = {
            name: sum(summary.shares.get(str(code), 0.0) for code in entry.codes)
            for name, entry in findings.classes.entries.items()
        }
    else:
        findings.classes = of_names(sorted(values))
    if len(findings.classes.entries) - (findings.classes.ignore is not None) < 2:
        findings.problems.append(f"{summary.path}: only one class: nothing to tell apart. Label another class.")


def _owner(value: str, listed: Mapping[str, ClassEntry]) -> str:
    return next((name for name, entry in listed.items() if value in map(str, entry.codes)), "")


def _with_palette(proposal: Proposal, palette: Mapping[str, str]) -> Proposal:
    """The classes in the colours that a palette gives their codes, if these are all different."""
    colours = {name: palette.get(str(entry.codes[0])) for name, entry in proposal.entries.items() if entry.codes}
    if len({*colours.values()} - {None}) < len(proposal.entries):
        return proposal
    entries = {name: ClassEntry((read_colour(colours[name]),), entry.codes) for name, entry in proposal.entries.items()}
    return proposal._replace(entries=entries)
