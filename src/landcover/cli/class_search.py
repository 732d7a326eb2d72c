"""Where the colours of masks are explained, if nobody says: beside them, or in the project in which one works."""

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

_LARGEST = 1 << 20  # bytes: of this program's JSON and YAML, and of the start of a model with its metadata


def find_class_table(folders: Iterable[Path]) -> tuple[ClassTable, Path | None]:
    """The classes of the masks of some folders, and the file that has them; the preset and None where none has.

    Looked at, in this order: of each of the folders, and then of the folder that it is in, `dataset.json` and the model
    `*.safetensors`, if there is one only; the `params.yaml` of the working directory and of the folders above it. Files
    of these names that are other programs' are passed over.

    Args:
        folders: That of the truth first, then those of predictions.

    Raises:
        LandcoverError: The first of these files that is this program's has no table that can be used.
    """
    for path in _candidates(folders):
        if _is_ours(path):
            return read_class_table(path), path
    return DEEPGLOBE, None


def _candidates(folders: Iterable[Path]) -> Iterator[Path]:
    beside = [_shown(place) for folder in folders for place in (_absolute(folder), _absolute(folder).parent)]
    for folder in dict.fromkeys(beside):
        yield folder / DATASET
        models = [path for path in _files(folder, MODEL_SUFFIX) if _is_ours(path)]
        if len(models) == 1:  # of several, nothing says which one it was
            yield models[0]
    here = Path.cwd()
    for folder in (here, *here.parents):
        yield _shown(folder) / PARAMS


def _absolute(folder: Path) -> Path:
    """Without links followed: the folder above one is that of the name by which it was called."""
    return Path(os.path.abspath(folder))  # noqa: PTH100 (pathlib has nothing that removes "..")


def _shown(folder: Path) -> Path:
    """As people call it: relative, if it is within the working directory."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _files(folder: Path, suffix: str) -> Sequence[Path]:
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.suffix == suffix)
    return []


def _is_ours(path: Path) -> bool:
    """Whether a file is there and has a table of classes, or was to have one and is damaged."""
    try:
        if not path.is_file() or (path.suffix != MODEL_SUFFIX and path.stat().st_size > _LARGEST):
            return False
    except OSError:
        return False
    try:
        content = read_content(path)
    except (LookupError, TypeError):  # it is what its suffix says, and has nothing where the table would be
        return False
    except (OSError, SafetensorError, ValueError, RecursionError, yaml.YAMLError):
        return _speaks_of_classes(path)
    return isinstance(content, Mapping) and _is_table(content)


def _is_table(content: Mapping[str, Any]) -> bool:
    classes = content.get("classes")
    return isinstance(classes, Mapping) and ("ignore" in content or any(map(_is_colour, classes.values())))


def _is_colour(value: Any) -> bool:
    try:
        return bool(read_colours(value))
    except ValueError:
        return False


def _speaks_of_classes(path: Path) -> bool:
    """Whether a file that cannot be read as what it is called may be one of this program's."""
    try:
        with path.open("rb") as file:
            start = file.read(_LARGEST)
    except OSError:
        return True
    if path.suffix == MODEL_SUFFIX:
        return f'"{METADATA_KEY}"'.encode() in start
    return b"classes" in start
