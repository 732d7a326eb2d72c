"""Where the classes of masks are found if nobody names a file: beside the masks, or in the project around."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from safetensors import SafetensorError

from landcover.classes.class_files import METADATA_KEY, read_class_table, read_content
from landcover.classes.class_table import DEEPGLOBE, ClassTable
from landcover.classes.colours import read_colours

DATASET = "dataset.json"
PARAMS = "params.yaml"
MODEL_SUFFIX = ".safetensors"

_LARGEST = 1 << 20  # bytes: of this program's JSON and YAML, and of the part of a model file that holds its metadata


def find_class_table(folders: Iterable[Path]) -> tuple[ClassTable, Path | None]:
    """The classes of the masks in some folders, and the file that defines them; the preset and None without one.

    The candidates, in this order: for each folder, in it and then in its parent, `dataset.json` and the model
    `*.safetensors` if it is the only one; then `params.yaml` in the working directory and in those above it. Files of
    these names that belong to other programs are skipped.

    Args:
        folders: The folder of the truth first, then those of predictions.

    Raises:
        LandcoverError: The first candidate of this program has no usable table of classes.
    """
    for path in _candidates(folders):
        if _is_ours(path):
            return read_class_table(path), path
    return DEEPGLOBE, None


def _candidates(folders: Iterable[Path]) -> Iterator[Path]:
    places = [_short(place) for folder in folders for place in (_absolute(folder), _absolute(folder).parent)]
    for place in dict.fromkeys(places):
        yield place / DATASET
        models = [path for path in _files(place, MODEL_SUFFIX) if _is_ours(path)]
        if len(models) == 1:  # nothing tells which of several it was
            yield models[0]
    here = Path.cwd()
    for place in (here, *here.parents):
        yield _short(place) / PARAMS


def _absolute(folder: Path) -> Path:
    """The path without following links: the parent of a folder is that of the name it was given by."""
    return Path(os.path.abspath(folder))  # noqa: PTH100 (pathlib has nothing that removes "..")


def _short(folder: Path) -> Path:
    """The path for messages: relative if it is within the working directory."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _files(folder: Path, suffix: str) -> Sequence[Path]:
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.suffix == suffix)
    return []


def _is_ours(path: Path) -> bool:
    """Whether a file exists and has a table of classes, or is a damaged file that should have one."""
    try:
        if not path.is_file() or (path.suffix != MODEL_SUFFIX and path.stat().st_size > _LARGEST):
            return False
    except OSError:
        return False
    try:
        content = read_content(path)
    except (LookupError, TypeError):  # a file of its kind, without anything where the table would be
        return False
    except (OSError, SafetensorError, ValueError, RecursionError, yaml.YAMLError):
        return _mentions_classes(path)
    return isinstance(content, Mapping) and _is_table(content)


def _is_table(content: Mapping[str, Any]) -> bool:
    classes = content.get("classes")
    return isinstance(classes, Mapping) and ("ignore" in content or any(map(_is_colour, classes.values())))


def _is_colour(value: Any) -> bool:
    try:
        return bool(read_colours(value))
    except ValueError:
        return False


def _mentions_classes(path: Path) -> bool:
    """Whether a file that cannot be read as its name says may be one of this program's."""
    try:
        with path.open("rb") as file:
            start = file.read(_LARGEST)
    except OSError:
        return True
    if path.suffix == MODEL_SUFFIX:
        return f'"{METADATA_KEY}"'.encode() in start
    return b"classes" in start
