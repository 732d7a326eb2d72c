"""What the page of the report says of the model beside its scores: data set, network, parameters, commit.

Nothing in it depends on the time or on the machine: the same inputs give the same page.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from landcover.models.model_file import Model
from landcover.system.differences import shown
from landcover.system.errors import LandcoverError
from landcover.system.git import git_output
from landcover.system.paths import check_readable
from landcover.system.settings import Settings

SOURCES = ("params.yaml", "dvc.yaml", "stages", "src")
"""What a commit must have changed to be named: of any other, such as one of a document, the page is the same."""

_HASH = 10  # characters; what git shortens a hash to depends on the clone

Part = dict[str, Any]  # `heading`, and `rows` of two texts each


def about(model: Model, shares: Path, blocks: Mapping[str, Settings]) -> list[Part]:
    """What the model was trained on.

    Args:
        model: It tells its data set and network.
        shares: Table of the shares of the classes by split, as `prepare` writes it.
        blocks: All blocks of params.yaml by name.
    """
    changed = [row for name, block in blocks.items() for row in changed_parameters(name, block)]
    parts = [
        part("Data set", data_rows(model)),
        part("Share of the pixels", share_rows(shares)),
        part("Network", network_rows(model)),
        part("Parameters that differ from their defaults", changed or [("none", "")]),
    ]
    found = commit()
    return [*parts, *([part("Code", [("commit", found)])] if found else [])]


def part(heading: str, rows: Iterable[tuple[str, str]]) -> Part:
    """A part of the page with rows of two texts."""
    return {"heading": heading, "rows": [list(row) for row in rows]}


def changed_parameters(name: str, block: Settings) -> list[tuple[str, str]]:
    """Parameters of a block and their values, where they differ from the default; those that have none are left out."""
    fields = {key: field for key, field in type(block).model_fields.items() if not field.is_required()}
    values = {key: getattr(block, key) for key in fields}
    return [
        (f"{name}.{key}", f"{_without_folders(values[key])} (default: {shown(field.default)})")
        for key, field in fields.items()
        if values[key] != field.default
    ]


def data_rows(model: Model) -> list[tuple[str, str]]:
    """The data set from which the model was made."""
    data = model.origin.data
    if data is None:
        return [("data set", "not known")]
    images = "scenes" if data.get("layout") == "scenes" else "images"
    rows = [("folder", str(data["root"]))]
    for split in ("train", "validation"):
        counts = f"{data[f'{split}_images']:,} {images}, {data[f'{split}_tiles']:,} tiles"
        rows.append(("training" if split == "train" else split, counts))
    if data["holdout"]:
        what = "blocks of the ground" if data.get("split") == "block" else images
        rows.append(("split", f"one in {data['holdout']} {what} validates"))
    return [*rows, ("bands", ", ".join(model.images.bands))]


def share_rows(path: Path) -> list[tuple[str, str]]:
    """The share of each class in the pixels of both splits.

    Raises:
        LandcoverError: The table cannot be read.
    """
    try:
        return [
            (row["class"], f"training {_percent(row['train'])}, validation {_percent(row['validation'])}")
            for row in read_table(path, "prepare")
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise LandcoverError(f"{path}: not the shares of classes. Run python -m stages.prepare.") from error


def network_rows(model: Model) -> list[tuple[str, str]]:
    """The network, and how well it did on the validation tiles when it was trained."""
    origin, parameters = model.origin, sum(weights.numel() for weights in model.network.parameters())
    of_networks = origin.members or (origin,)
    weights = dict.fromkeys(each.weights or "random" for each in of_networks)
    rows = [
        ("network", str(model.architecture)),
        ("parameters", f"{parameters:,}"),
        ("initial weights", ", ".join(weights)),
        ("working resolution", "that of the images" if model.scale == 1 else f"{model.scale:g} of that of the images"),
    ]
    if origin.resolution:
        rows.append(("ground resolution", f"{origin.resolution:g} m per pixel at this resolution"))
    if epochs := [str(each.score["epoch"]) for each in of_networks if each.score]:
        rows.append(("epoch", ", ".join(epochs)))
    return rows


def commit() -> str | None:
    """The last commit that changed one of `SOURCES`; None without git, or in a clone that lacks earlier commits."""
    if (git_output("rev-parse", "--is-shallow-repository") or "true").strip() != "false":
        return None
    found = (git_output("log", "-1", "--format=%H", "--", *SOURCES) or "").strip()
    if not found:
        return None
    changes = git_output("--no-optional-locks", "status", "--porcelain", "--", *SOURCES)
    return f"{found[:_HASH]}{' with changes' if changes else ''}"


def read_output(path: Path, stage: str) -> str:
    """The text of a file that a stage has made.

    Raises:
        LandcoverError: It is missing, or not text.
    """
    try:
        check_readable(path)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LandcoverError(f"{path}: no such file. Run python -m stages.{stage}.") from error
    except ValueError as error:
        raise LandcoverError(f"{path}: not written by the stage {stage}. Run python -m stages.{stage}.") from error


def read_table(path: Path, stage: str) -> list[dict[str, str]]:
    """Rows of a CSV file that a stage has made. Raises as `read_output` does."""
    return list(csv.DictReader(read_output(path, stage).splitlines()))


def _percent(share: str) -> str:
    return f"{100 * float(share):.1f} %" if share else "-"


def _without_folders(value: Any) -> str:
    """A value in words; of an absolute path only the name, as folders of this machine say nothing elsewhere."""
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return json.dumps(value, ensure_ascii=False).strip('"')
