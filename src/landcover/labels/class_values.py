"""Which class a value of a column or a raster means."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.labels.options import LabelOptions
from landcover.labels.vector_files import near
from landcover.system.errors import LandcoverError, warn

_LISTED = 5
_WHOLE = re.compile(r"([+-]?)0*(\d+)(\.0*)?")


def label_of_class(classes: ClassTable, name: str) -> int:
    """The label of a class: its index, or `UNKNOWN` for the ignored one.

    Raises:
        LandcoverError: There is no such class.
    """
    if classes.ignore and name == classes.ignore[0]:
        return UNKNOWN
    if name not in classes.colours:
        raise LandcoverError(f"{name!r}: no class. There is {', '.join(classes.colours)}.{near(name, classes.names)}")
    return classes.names.index(name)


def as_text(value: object) -> str:
    """A value as text, in which equal numbers are equal whatever their type: 50, 50.0, "50" and " 050 " are "50"."""
    if isinstance(value, float | np.floating) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    found = _WHOLE.fullmatch(text)
    return f"{'-' if found[1] == '-' and found[2] != '0' else ''}{found[2]}" if found else text


def labels_by_text(options: LabelOptions, *, names: bool) -> dict[str, int]:
    """Labels by `as_text` of the values that mean them.

    Args:
        options: With the classes and their codes.
        names: Whether the name of a class means it also.

    Raises:
        LandcoverError: A code means two classes.
    """
    owner: dict[str, str] = {}
    classes = [*options.classes.names, *([options.classes.ignore[0]] if options.classes.ignore else [])]
    for name in classes:
        for value in (*options.codes.get(name, ()), *([name] if names else [])):
            other = owner.setdefault(as_text(value), name)
            if other != name:
                raise LandcoverError(
                    f"`classes`: {value!r} means both {other!r} and {name!r}. Give each its own codes."
                )
    return {text: label_of_class(options.classes, name) for text, name in owner.items()}


def labels_of_column(path: Path, values: pd.Series, options: LabelOptions) -> np.ndarray:
    """Labels of the rows of a layer: uint8 (N,); rows without a value are unknown, which a warning says.

    Raises:
        LandcoverError: Some values are of no class, or there are only rows without.
    """
    known = labels_by_text(options, names=True)
    codes, uniques = pd.factorize(values)  # missing ones are -1
    table: dict[int, int] = {-1: UNKNOWN}
    wrong: dict[object, int] = {}
    missing = int((codes == -1).sum())
    for number, value in enumerate(uniques):
        text = as_text(value)
        rows = int((codes == number).sum())
        if not text:
            table[number] = UNKNOWN
            missing += rows
        elif text in known:
            table[number] = known[text]
        else:
            wrong[value] = rows
    if wrong:
        raise LandcoverError(f"{path}: column {options.column!r} (`column`): {_of_no_class(wrong, known)}")
    if missing == len(values):
        raise LandcoverError(f"{path}: column {options.column!r} (`column`) is empty in all {missing} rows. Fill it.")
    if missing:
        warn(f"{path}: column {options.column!r} is empty in {missing} of {len(values)} rows. They count as unknown.")
    return np.array([table[code] for code in range(-1, len(uniques))], np.uint8)[codes + 1]


def _of_no_class(wrong: Mapping[object, int], known: Mapping[str, int]) -> str:
    ranked = sorted(wrong, key=lambda value: -wrong[value])
    named = ", ".join(
        f"{_shown(value)} ({wrong[value]} row{'s' if wrong[value] > 1 else ''})" for value in ranked[:_LISTED]
    )
    more = f" and {len(ranked) - _LISTED} more" if len(ranked) > _LISTED else ""
    return (
        f"of no class: {named}{more}.{near(ranked[0], list(known))} Correct the rows, or add the value to `classes`, "
        "as a name or among the codes of a class (of the ignored one, to leave the rows out)."
    )


def _shown(value: object) -> str:
    return repr(value)[:60] if isinstance(value, str) else as_text(value)
