"""params.yaml, typed and checked at the stage's door: a stage declares the blocks that it reads, and reads no other."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from landcover.classes.class_table import ClassTable, Colour, read_colours
from landcover.system.documents import DuplicateKeyError, load_yaml
from landcover.system.errors import LandcoverError
from landcover.system.paths import check_readable

PARAMS = Path("params.yaml")
BLOCKS = ("data", "prepare", "train", "predict", "evaluate")
LAUNCH = "launch"  # beside the blocks: the command of dvc.yaml by which stages are started


ADVICE = f"Move the data, and set data.root in {PARAMS}."
"""Where a stage would replace what it is to read."""


class Block(BaseModel):
    """A block of params.yaml: every key is required, none is unknown, no type is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _number(value: Any) -> Any:
    """Read `1e-05` as the number that it is: YAML 1.1, and with it PyYAML, takes it for text (no dot)."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Number = Annotated[float, BeforeValidator(_number)]
"""A float; `dvc exp run -S train.lr=1e-5` writes `1e-05`, which counts."""


Positive = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Side = Annotated[int, Field(ge=1, le=8192)]
"""Whole numbers, of pixels the last; the largest that what counts with them has room for."""


def one_of(names: Collection[str]) -> AfterValidator:
    """A text that must be one of `names`."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"should be one of {', '.join(names)}")
        return value

    return AfterValidator(check)


def _resolution(value: Any) -> float | str | None:
    if value is None or value == "auto":
        return value
    number = _number(value)
    if type(number) in (int, float) and 1e-6 <= number <= 1e9:
        return float(number)
    raise ValueError("should be auto, null, or metres per pixel above 0")


Item = TypeVar("Item")


class Data(Block):
    """The block `data`: the data set and the colours of its masks."""

    root: str
    holdout: Annotated[int, Field(ge=0, le=2**31 - 1)]
    classes: dict[str, Annotated[tuple[Colour, ...], BeforeValidator(read_colours)]]
    ignore: str | None
    resolution: Annotated[Any, AfterValidator(_resolution)]

    @model_validator(mode="after")
    def _makes_a_table(self) -> "Data":
        if self.ignore is not None and self.ignore not in self.classes:
            raise ValueError(f"ignore = {self.ignore!r} should be null or one of {', '.join(self.classes)}")
        if self.holdout == 1:
            raise ValueError("holdout = 1: leaves nothing to train on. Should be 0, or from 2 to the number of images")
        try:
            self.table()
        except LandcoverError as error:
            raise ValueError(f"classes: {error}") from error
        return self

    def table(self) -> ClassTable:
        """The classes in the order of params.yaml, which is that of their label indices."""
        return ClassTable.of(self.classes, self.ignore)

    def folder(self, split: str) -> Path:
        """Folder in which the images and masks of `train` or `validation` lie."""
        return Path(self.root, "train" if self.holdout else split)

    def part(self, split: str, found: Mapping[str, Item]) -> dict[str, Item]:
        """Those of the images of `folder(split)`, by name, that belong to the split.

        Raises:
            LandcoverError: None of them does.
        """
        if not self.holdout:
            return dict(found)
        validating = set(sorted(found)[self.holdout - 1 :: self.holdout])
        part = {name: item for name, item in found.items() if (name in validating) == (split == "validation")}
        if not part:
            raise LandcoverError(
                f"{PARAMS}: data.holdout = {self.holdout}: {self.folder(split)} has only {len(found)} images. Lower it."
            )
        return part


_TAGS = ("function-", "tuple[", "list[", "constrained-int", "[key]")
_SHORT = Repr()
_SHORT.maxstring, _SHORT.maxlevel = 100, 3

AnyBlock = TypeVar("AnyBlock", bound=Block)


def read_block(name: str, kind: type[AnyBlock]) -> AnyBlock:
    """Read and check one block of params.yaml.

    Raises:
        LandcoverError: No such file or block; or a key that is unknown or missing, of the wrong type or impossible.
    """
    check_readable(PARAMS)
    try:
        content = load_yaml(PARAMS.read_text(encoding="utf-8"))
    except DuplicateKeyError as error:
        raise LandcoverError(f"{PARAMS}, {error}. Remove one of them.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or a date such as 2019-02-31
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise LandcoverError(
            f"{PARAMS}{place}: not YAML. Mend it, or restore it with 'git checkout {PARAMS}'."
        ) from error
    if not isinstance(content, dict) or name not in content:
        raise LandcoverError(f"{PARAMS}: no block {name!r}. Restore it from 'git show HEAD:{PARAMS}'.")
    for unknown in content.keys() - {*BLOCKS, LAUNCH}:
        raise LandcoverError(f"{PARAMS}: {unknown}: no such block; there are {', '.join(BLOCKS)}, and {LAUNCH}.")
    try:
        return kind.model_validate(content[name])
    except ValidationError as error:
        raise LandcoverError(f"{PARAMS}: {_line(name, kind, error.errors()[0])}") from error


def _line(name: str, kind: type[Block], problem: dict) -> str:
    """One line on what is wrong: the key, its value, what is allowed."""
    # Pydantic adds tags of its own to the path, such as the member of a union: keep what is in the file.
    key = ".".join([name, *(str(part) for part in problem["loc"] if not str(part).startswith(_TAGS))])
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
    if problem["type"] == "extra_forbidden":
        return f"{key}: no such key; {name} has {', '.join(kind.model_fields)}."
    if problem["type"] == "missing":
        return f"{key}: missing. Add it."
    if problem["type"] == "value_error" and not problem["loc"]:
        return f"{key}.{message}."
    if problem["type"] == "model_type":
        message = f"should be a table with the keys {', '.join(kind.model_fields)}"
    return f"{key} = {_shown(problem['input'])}: {message}."


def _shown(value: Any) -> str:
    """A value as YAML has it, shortened: by aliases a small file may stand for any number of them."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    try:
        return _SHORT.repr(value)[:100]
    except ValueError:  # Python writes no number that is longer
        return "a number of thousands of digits"
