"""The generated part of docs/results.md: the score of each experiment in results/, beside what others published."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mode
from typing import Any

import yaml
from tabulate import tabulate

START, END = "<!-- results: written by python -m results -->", "<!-- /results -->"
_SUMMARY = (
    "model",
    "backbone",
    "weights",
    "resolution",
    "epochs x batches x crops",
    "parameters",
    "mean IoU",
    "with d4",
    "time and machine, or source",
)
_SEARCH = ("changed", "mean IoU", "pixel accuracy")
_WIDTH = 116
"""Columns of a wrapped command."""

Row = dict[str, Any]
"""An experiment as `results.record` writes it, or a published result."""

Line = tuple[float, list[str]]
"""The mean IoU to sort by, and the cells."""


def read_rows(folder: Path) -> dict[str, Row]:
    """Read the experiments of a folder, by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def read_published(path: Path) -> list[Row]:
    """Read published results: `model`, `mean_iou` and `source` of each, and the other columns as far as known."""
    published: list[Row] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return published


def with_results(page: str, text: str) -> str:
    """The page with `text` between its markers.

    Raises:
        ValueError: A marker is missing or occurs twice.
    """
    before, rest = page.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n\n{text}\n\n{END}{after}"


def results_text(rows: dict[str, Row], published: list[Row]) -> str:
    """The tables by ascending mean IoU, our experiments in bold; then our commands, and the search for parameters."""
    ours = [row for row in rows.values() if not _is_search(row)]
    with_classes = [row for row in published if "iou" in row]
    scores = [*(row["scores"]["none"] for row in ours), *with_classes]
    summary = [*map(_our_summary, ours), *map(_their_summary, published)]
    by_class = [*(line for row in ours for line in _our_classes(row)), *map(_their_classes, with_classes)]
    tables = [_table(_SUMMARY, summary)]
    if scores:
        tables.append(_table(("IoU", "mean", *scores[0]["iou"]), by_class))
    commands = [_code(row["command"]) for row in ours] or ["No experiment of this project is recorded yet."]
    return "\n\n".join([*tables, *commands, *_search([row for row in rows.values() if _is_search(row)])])


def _is_search(row: Row) -> bool:
    holdout: int = row["params"]["data"]["holdout"]
    return holdout > 0


def _search(rows: Sequence[Row]) -> list[str]:
    """A table of the experiments on held-out images: what each of them changed, and its scores."""
    if not rows:
        return []
    params = [_flat(row["params"]) for row in rows]
    shared = set(params[0]).intersection(*params)
    usual = {key: mode(str(each[key]) for each in params) for key in shared}
    lines = []
    for row, each in zip(rows, params, strict=True):
        scores = row["scores"]["none"]
        changes = ", ".join(f"`{key}={each[key]}`" for key in _changed(each, usual, row["command"]))
        cells = [changes or "nothing", _with_interval(scores), _rounded(scores["pixel_accuracy"])]
        lines.append((scores["mean_iou"], cells))
    return ["What was changed, on the held-out images:", _table(_SEARCH, lines)]


def _changed(params: dict[str, Any], usual: dict[str, str], command: str) -> Iterable[str]:
    """Keys whose value is not the usual one.

    Rows recorded before a parameter existed lack it, so there is no usual value: it counts if the command sets it.
    """
    return (
        key for key, value in params.items() if (str(value) != usual[key] if key in usual else f" {key}=" in command)
    )


def _flat(params: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {f"{block}.{key}": value for block, values in params.items() for key, value in values.items()}


def _our_summary(row: Row) -> Line:
    train, scores, trained = row["params"]["train"], row["scores"], row["trained"]
    return scores["none"]["mean_iou"], [
        f"**{train['model']}**",
        "its own" if train["model"] == "baseline" else train["backbone"],
        _weights(train["weights"], row["weights_origin"]),
        f"{row['params']['prepare']['scale']:g}",
        _length(train),
        f"{row['training']['parameters']:,}",
        *(_with_interval(scores[tta]) for tta in ("none", "d4")),
        f"{trained['minutes']} minutes, {trained['machine']}" if trained else "time not measured",
    ]


def _length(train: dict[str, Any]) -> str:
    """Of a training; rows recorded before there could be several networks have one."""
    networks = train.get("networks", 1)
    length = f"{train['epochs']} x {train['steps']} x {train['batch_size']}"
    return f"{networks} networks, each {length}" if networks > 1 else length


def _their_summary(row: Row) -> Line:
    published = [str(row.get(key, "")) for key in ("model", "backbone", "weights", "resolution", "epochs")]
    parameters = f"{row['parameters']:,}" if "parameters" in row else ""
    return row["mean_iou"], [*published, parameters, _rounded(row["mean_iou"]), "", row["source"]]


def _our_classes(row: Row) -> list[Line]:
    model = f"**{row['params']['train']['model']}**"
    titles = {"none": model, "d4": f"{model}, with d4"}
    return [(scores["mean_iou"], [titles[tta], *_ious(scores)]) for tta, scores in row["scores"].items()]


def _their_classes(row: Row) -> Line:
    return row["mean_iou"], [f"{row['model']}; {row['source']}", *_ious(row)]


def _ious(scores: Row) -> list[str]:
    return [_rounded(value) for value in [scores["mean_iou"], *scores["iou"].values()]]


def _weights(weights: str, origin: str) -> str:
    """Where the initial weights are from."""
    return f"ImageNet, {origin or 'source not recorded'}" if weights == "imagenet" else origin or weights


def _with_interval(scores: Row) -> str:
    low, high = (_rounded(scores[f"mean_iou_{bound}"]) for bound in ("low", "high"))
    return f"{_rounded(scores['mean_iou'])} ({low} to {high})"


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(heading: Sequence[str], lines: list[Line]) -> str:
    cells = [cells for _, cells in sorted(lines, key=lambda line: line[0])]
    return tabulate(cells, heading, tablefmt="github", disable_numparse=True)


def _code(command: str) -> str:
    """A command as a block of Markdown, wrapped between its options."""
    lines = [""]
    for option in re.split(" (?=-S )", command):
        if len(f"{lines[-1]} {option}") > _WIDTH:
            lines.append("   ")
        lines[-1] = f"{lines[-1]} {option}" if lines[-1] else option
    return " \\\n".join(f"    {line}" for line in lines)
