"""What was found of a data set, as lines to read, as plain types, and as the block `data` of params.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from landcover.checking.known_classes import Proposal
from landcover.classes.class_entries import ClassEntry
from landcover.classes.colours import hex_colour

_DEFAULTS: dict[str, Any] = {
    "root": "data",
    "layout": "pairs",
    "suffixes": None,
    "masks": "colours",
    "scenes": "earth.jpg",
    "labels": "regions.gpkg",
    "column": "class",
    "burn": "centre",
    "overlap": "later",
    "points": 1,
    "resample": "nearest",
    "area": None,
    "rest": None,
    "split": "folder",
    "holdout": 0,
    "block": 1_000_000.0,
    "buffer": 0.0,
    "classes": {},
    "ignore": None,
    "resolution": "auto",
    "bands": None,
    "normalisation": "auto",
}
"""All keys of the block in their order, with the value that one has which does not matter."""

KEYS = tuple(_DEFAULTS)


@dataclass
class Findings:
    """What was found.

    Attributes:
        facts: What there is, by heading: text, or a table of name and text.
        classes: Those that fit; None if nothing tells them.
        shares: Share of the labelled pixels that were read, 0..1, by class.
        values: Of keys of the block, where they are not the defaults.
        notes: What was decided or is worth knowing; a line each.
        problems: What has to be fixed; a line each.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    classes: Proposal | None = None
    shares: dict[str, float] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def block(self) -> dict[str, Any] | None:
        """The block `data` as plain types; None if nothing tells the classes."""
        if self.classes is None:
            return None
        values = dict(self.values)
        values.setdefault("classes", {name: _plain(entry) for name, entry in self.classes.entries.items()})
        values.setdefault("ignore", self.classes.ignore)
        return _DEFAULTS | values

    def to_json(self) -> dict[str, Any]:
        """Everything as plain types."""
        return {
            "found": self.facts,
            "classes": {"source": self.classes.source, "shares": self.shares} if self.classes else None,
            "notes": self.notes,
            "problems": self.problems,
            "data": self.block(),
        }

    def text(self) -> str:
        """What to read: what there is, the notes, and the block to paste."""
        facts = dict(self.facts)
        if self.classes:
            shares = {name: _percent(self.shares[name]) if name in self.shares else "" for name in self.classes.entries}
            facts[f"classes ({self.classes.source})"] = shares
        lines = []
        for heading, found in facts.items():
            if isinstance(found, Mapping):
                lines.append(f"{heading}:")
                width = max((len(str(name)) for name in found), default=0)
                lines += [f"  {name!s:{width}}  {text}".rstrip() for name, text in found.items()]
            else:
                lines.append(f"{heading}: {found}")
        lines += [f"note: {line}" for line in self.notes]
        if block := self.block():
            lines += ["", "For params.yaml:", "", block_text(block)]
        return "\n".join(lines)


def block_text(block: Mapping[str, Any]) -> str:
    """The block as YAML, a class per line."""
    lines = ["data:"]
    for key, value in block.items():
        if isinstance(value, Mapping) and value:
            lines.append(f"  {key}:")
            lines += [f"    {_yaml(name)}: {_yaml(entry)}" for name, entry in value.items()]
        else:
            lines.append(f"  {key}: {_yaml(value)}")
    return "\n".join(lines)


def _plain(entry: ClassEntry) -> Any:
    colours = [hex_colour(colour) for colour in entry.colours]
    colour = colours if len(colours) > 1 else colours[0]
    if not entry.codes:
        return colour
    return {"colour": colour, "codes": list(entry.codes) if len(entry.codes) > 1 else entry.codes[0]}


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _percent(share: float) -> str:
    return f"{share:6.1%}" if share >= 0.001 or not share else f"{share:6.3%}"
