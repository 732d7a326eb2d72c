"""Read params.yaml, typed and checked: a stage declares the blocks that it reads, and reads no others."""

import json
from collections.abc import Mapping
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from landcover.classes.class_table import ClassTable
from landcover.classes.colours import Colour, read_colours
from landcover.images.image_spec import NORMALISATIONS
from landcover.system.documents import DuplicateKeyError, load_yaml
from landcover.system.errors import LandcoverError
from landcover.system.paths import check_readable
from landcover.system.settings import Settings, as_number, one_of

PARAMS = Path("params.yaml")
BLOCKS = ("data", "prepare", "train", "predict", "evaluate")
LAUNCH = "launch"  # beside the blocks: part of the commands in dvc.yaml

MAX_BANDS = 4096  # which keeps numbers within reason

ADVICE = f"Move the data, and set data.root in {PARAMS}."
"""For an output of a stage that would replace its input."""


def _resolution(value: Any) -> float | str | None:
    if value is None or value == "auto":
        return None if value is None else "auto"
    number = as_number(value)
    if type(number) in (int, float) and 1e-6 <= number <= 1e9:
        return float(number)
    raise ValueError("should be auto, null, or metres per pixel above 0")


Item = TypeVar("Item")


def _bands(value: Any) -> list[int | str] | None:
    if value is None:
        return None
    if isinstance(value, list) and 0 < len(value) <= MAX_BANDS and all(type(band) in (int, str) for band in value):
        if any(type(band) is int and not 1 <= band <= MAX_BANDS for band in value):
            raise ValueError(f"should have numbers from 1 to {MAX_BANDS}")
        if doubled := [band for i, band in enumerate(value) if band in value[:i]]:
            raise ValueError(f"has {doubled[0]!r} twice. Name each band once")
        return value
    raise ValueError("should be null, or a list of numbers (from 1) or names of bands, such as [4, 3, 2] or [red, nir]")


class Data(Settings):
    """The block `data`: the data set and the colours of its masks."""

    root: str = Field(
        "data/bluemarble",
        description="folder with train/ and validation/, each with pairs NAME_sat.jpg (png, tif) and NAME_mask.png",
    )
    holdout: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        0,
        description="n: every n-th image of train/ validates instead of validation/, to choose parameters by; 0: "
        "validation/ validates",
    )
    classes: dict[str, Annotated[tuple[Colour, ...], BeforeValidator(read_colours)]] = Field(
        description='colour of each class in the masks: "#rrggbb" or [r, g, b], or a list of several, of which the '
        "first is drawn; the order is that of the scores"
    )
    ignore: str | None = Field(
        "unknown",
        description='the class that means "not known", neither learned nor predicted; null for none',
    )
    resolution: Annotated[Any, AfterValidator(_resolution)] = Field(
        "auto",
        description="metres of ground that a pixel of the images covers, recorded in the model; null: not known; auto: "
        "known for the embedded data set only",
    )

    bands: Annotated[Any, AfterValidator(_bands)] = Field(
        None,
        description="bands of the images: null for red, green and blue; or a list of their numbers (from 1) or names, "
        "as GeoTIFFs have them, such as [red, green, blue, nir, swir16]",
    )
    normalisation: Annotated[str, one_of(("auto", *NORMALISATIONS))] = Field(
        "auto",
        description="statistics by which networks normalise images: imagenet (for red, green and blue of 8 bits only), "
        "dataset (those of the training tiles), or auto: imagenet where it is possible, else dataset",
    )

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
        """The folder with the images and masks of `train` or `validation`."""
        return Path(self.root, "train" if self.holdout else split)

    def part(self, split: str, found: Mapping[str, Item]) -> dict[str, Item]:
        """Select the images of a split from those in `folder(split)`, by name.

        Raises:
            LandcoverError: There are none.
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
