"""What was measured, by kind of processor: `measured/KIND.json`, and of all of them results.md.

Kinds are instruction sets, as PyTorch names them: on them depends which code computes, and what is fast.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.harness import Row, machine
from landcover._version import __version__

FOLDER = Path(__file__).parent / "measured"
PAGE = Path(__file__).parent / "results.md"
HEADING = """\
# Benchmarks

Written by `make bench`. Ours and the peer run in turns; times are medians ± half the range. For each kind of processor:
the ratio, which the target bounds, then ours and the peer's. Figures are compared within a row and a column only.
"""


def record(kind: str, subject: str, rows: Sequence[Row]) -> None:
    """Write down what was measured of a subject on this machine, in place of what was known of it.

    Args:
        kind: Of processor, see `harness.instructions`.
        subject: Name of the module.
        rows: What it gave.
    """
    path = FOLDER / f"{kind.lower()}.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[subject] = {"machine": machine(), "version": __version__, "rows": [asdict(row) for row in rows]}
    FOLDER.mkdir(exist_ok=True)
    path.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_page(subjects: Mapping[ModuleType, str]) -> None:
    """Write results.md of all that is written down.

    Args:
        subjects: Titles by module, in the order of the page.
    """
    kinds = {path.stem.upper(): json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
    parts = [HEADING.strip(), _machines(kinds, len(subjects))]
    for module, title in subjects.items():
        name = module.__name__.removeprefix("benchmarks.")
        measured = {kind: known[name]["rows"] for kind, known in kinds.items() if name in known}
        text = [f"## {title}", (module.__doc__ or "").strip(), _table(measured), getattr(module, "NOTE", "")]
        parts += filter(None, text)
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _machines(kinds: Mapping[str, Mapping[str, Any]], count: int) -> str:
    """A line for each kind of processor, machine and version of this program."""
    lines = ["| | machine | version | subjects |", "|---|---|---|---|"]
    for kind, known in kinds.items():
        sources: dict[tuple[str, str], list[str]] = {}
        for name, subject in known.items():
            sources.setdefault((subject["machine"], subject["version"]), []).append(name)
        for (where, version), names in sources.items():
            which = "all" if len(names) == count else ", ".join(names)
            lines.append(f"| {kind} | {where} | {version} | {which} |")
    return "\n".join(lines)


def _table(measured: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """A line for each case, a column for each kind of processor."""
    if not measured:
        return "Not measured yet."
    rows = {kind: {row["case"]: Row(**row) for row in each} for kind, each in measured.items()}
    cases = list(dict.fromkeys(case for each in rows.values() for case in each))
    lines = [f"| case | target | {' | '.join(rows)} |", "|---|---" + "|---" * len(rows) + "|"]
    for case in cases:
        target = next(each[case].target for each in rows.values() if case in each)
        cells = [_cell(each[case]) if case in each else "" for each in rows.values()]
        lines.append(f"| {case} | {target.replace('>=', '≥').replace('<=', '≤')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Row) -> str:
    verdict = {True: f"{row.ratio:.2f}, met", False: f"**{row.ratio:.2f}, missed**", None: f"{row.ratio:.2f}"}
    return f"{verdict[row.is_met]} ({row.ours} : {row.peer})"
