"""Settings as typed fields: type, range or choices, default and description of a setting stand in one place."""

from collections.abc import Callable, Collection
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from landcover.system.errors import LandcoverError


class Settings(BaseModel):
    """A table of settings that belong together. Unknown ones and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def as_number(value: Any) -> Any:
    """Convert a string that stands for a number to a float; return anything else as it is.

    `dvc exp run -S train.lr=1e-5` writes `1e-05`, which YAML 1.1, and with it PyYAML, reads as a string (no dot).
    """
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Number = Annotated[float, BeforeValidator(as_number)]
"""A float, also where YAML reads `1e-05` as a string."""

NotNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
BelowOne = Annotated[Number, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Side = Annotated[int, Field(ge=1, le=8192)]
"""A length in pixels."""


def one_of(names: Collection[str]) -> AfterValidator:
    """Allow a string only if it is one of `names`."""

    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"should be one of {', '.join(names)}")
        return value

    return AfterValidator(check)


def passing(check: Callable[[str], object]) -> AfterValidator:
    """Allow a string only if `check` of it raises no LandcoverError, whose message is then that of the setting."""

    def checked(value: str) -> str:
        try:
            check(value)
        except LandcoverError as error:
            raise ValueError(error) from error
        return value

    return AfterValidator(checked)


def listed(names: Collection[str]) -> str:
    """The names in words, for descriptions: `a, b or c`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
