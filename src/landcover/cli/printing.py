"""How commands print tables and JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate


def format_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, names: int = 1) -> str:
    """Lines under a heading: names to the left, then figures to the right of their columns.

    Args:
        names: Number of columns at the left that hold names.
    """
    sides = ["left" if column < names else "right" for column in range(len(headings))]
    return tabulate(rows, headings, tablefmt="plain", colalign=sides, disable_numparse=True)


def print_json(content: Mapping[str, Any]) -> None:
    """Print plain types as indented JSON."""
    print(json.dumps(content, indent=2, allow_nan=False))
