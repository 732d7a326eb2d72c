"""Read params.yaml, typed and checked: a stage declares the blocks that it reads, and reads no others."""

import json
from collections.abc import Mapping
from reprlib import Repr
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from landcover.system.documents import DuplicateKeyError, load_yaml
from landcover.system.errors import LandcoverError
from landcover.system.paths import check_readable
from landcover.system.settings import Settings
from stages.common.paths import PARAMS

BLOCKS = ("data", "prepare", "train", "predict", "evaluate", "report", "scale")
LAUNCH = "launch"  # beside the blocks: part of the commands in dvc.yaml

ADVICE = f"Move the data, and set data.root in {PARAMS}."
"""For an output of a stage that would replace its input."""

_TAGS = ("function-", "tuple[", "list[", "dict[", "constrained-int", "[key]")
_SHORT = Repr()
_SHORT.maxstring, _SHORT.maxlevel = 100, 3

AnySettings = TypeVar("AnySettings", bound=Settings)


def read_block(name: str, kind: type[AnySettings]) -> AnySettings:
    """Read and check one block of params.yaml. Every key is required, although its field has a default.

    Raises:
        LandcoverError: There is no such file or block; or a key is unknown or missing, or its value has the wrong type
            or is impossible.
    """
    check_readable(PARAMS)
    try:
        content = load_yaml(PARAMS.read_text(encoding="utf-8"))
    except DuplicateKeyError as error:
        raise LandcoverError(f"{PARAMS}, {error}. Remove one of them.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: not UTF-8, or a date such as 2019-02-31
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise LandcoverError(
            f"{PARAMS}{place}: not YAML. Fix it, or restore it with 'git checkout {PARAMS}'."
        ) from error
    if not isinstance(content, dict) or name not in content:
        raise LandcoverError(f"{PARAMS}: no block {name!r}. Restore it from 'git show HEAD:{PARAMS}'.")
    for unknown in content.keys() - {*BLOCKS, LAUNCH}:
        raise LandcoverError(f"{PARAMS}: {unknown}: no such block; there are {', '.join(BLOCKS)}, and {LAUNCH}.")
    block = content[name]
    for key in kind.model_fields:
        if isinstance(block, dict) and key not in block:
            raise LandcoverError(f"{PARAMS}: {name}.{key}: missing. Add it.")
    try:
        return kind.model_validate(block)
    except ValidationError as error:
        raise LandcoverError(f"{PARAMS}: {_line(name, kind, error.errors()[0])}") from error


def _line(name: str, kind: type[Settings], problem: Mapping[str, Any]) -> str:
    """One line on what is wrong: the key, its value, what is allowed."""
    # Pydantic adds tags to the path, such as the member of a union: keep only what is in the file.
    key = ".".join([name, *(str(part) for part in problem["loc"] if not str(part).startswith(_TAGS))])
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if problem["type"] == "extra_forbidden":
        return f"{key}: no such key; {name} has {', '.join(kind.model_fields)}."
    if problem["type"] == "value_error" and not problem["loc"]:
        return f"{key}.{message}."
    if problem["type"] == "model_type":
        message = f"should be a table with the keys {', '.join(kind.model_fields)}"
    return f"{key} = {_shown(problem['input'])}: {message}."


def _shown(value: Any) -> str:
    """A value as in YAML, shortened: with aliases, a small file may stand for a huge table."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    try:
        return _SHORT.repr(value)[:100]
    except ValueError:  # Python writes no number of more than some thousand digits
        return "a number of thousands of digits"
