"""The origin of a model: data, parameters and score, recorded in its file for people."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from landcover.models.collapse import DominantClass

Table = Mapping[str, Any]
"""Strings, numbers, booleans, null, and lists of them, by name."""

_COUNTS = ("holdout", "train_images", "train_tiles", "validation_images", "validation_tiles")
_SHARES = ("tile_mean_iou", "tile_accuracy")
_LONGEST = 1000  # characters of a string, items of a list or table


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a model was made from. An attribute is None if it is not known, as for models of earlier versions.

    It contains no time, no commit and no absolute path, so that the same training gives the same bytes in any clone.

    Attributes:
        data: `root` of the data set as the parameters name it; `holdout`, and `layout`, `split`, `block` and `buffer`
            as far as they apply and since they are recorded; and the numbers `train_images`, `train_tiles`,
            `validation_images` and `validation_tiles`.
        resolution: Metres of ground that a pixel covers at the model's working resolution.
        weights: Where the initial weights of the backbone are from; None if they were random.
        params: Parameters of the training that shape the result.
        score: `epoch` and its figures on the validation tiles: `validation_loss`, `tile_mean_iou`, `tile_accuracy`.
        dominant: The class that the model predicts most often on the validation tiles; `favourite` in the file.
        members: Of an ensemble, the origins of its networks.
    """

    data: Table | None = None
    resolution: float | None = None
    weights: str | None = None
    params: Table | None = None
    score: Table | None = None
    dominant: DominantClass | None = None
    members: tuple["Origin", ...] = ()

    @classmethod
    def of_ensemble(cls, members: Sequence["Origin"]) -> Self:
        """That of an ensemble: the data and the resolution if all its networks have the same."""
        first = members[0]
        return cls(
            data=first.data if all(member.data == first.data for member in members) else None,
            resolution=first.resolution if all(member.resolution == first.resolution for member in members) else None,
            members=tuple(members),
        )

    def to_json(self) -> dict[str, Any]:
        """Convert to plain types; `from_json` reads them back. There are `members` only of an ensemble."""
        own = {
            "data": self.data,
            "resolution": self.resolution,
            "weights": self.weights,
            "params": self.params,
            "score": self.score,
            "favourite": self.dominant and asdict(self.dominant),
        }
        return own | ({"members": [member.to_json() for member in self.members]} if self.members else {})

    @classmethod
    def from_json(cls, content: Mapping[str, Any], classes: int) -> Self:
        """Read what `to_json` returned. Other keys are ignored, and missing ones give None.

        Args:
            classes: Number of classes.

        Raises:
            ValueError: A value is impossible; the message names it.
        """

        def read(key: str, convert: Callable[[Any], Any]) -> Any:
            value = content.get(key)
            try:
                return None if value is None else convert(value)
            except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
                raise ValueError(f"{key} = {value!r:.60} is impossible") from error

        return cls(
            data=read("data", _data),
            resolution=read("resolution", _resolution),
            weights=read("weights", _text),
            params=read("params", _table),
            score=read("score", _score),
            dominant=read("favourite", lambda value: _dominant(value, classes)),
            members=tuple(cls.from_json({**member, "members": ()}, classes) for member in content.get("members", ())),
        )


def _data(value: Any) -> Table:
    _text(value["root"])
    _check(all(type(value[key]) is int and value[key] >= 0 for key in _COUNTS))
    _check(all(type(value.get(key, "")) is str for key in ("layout", "split")))
    _check(all(_is_number(value.get(key, 0)) and value.get(key, 0) >= 0 for key in ("block", "buffer")))
    return _table(value)


def _text(value: Any) -> str:
    _check(isinstance(value, str) and len(value) <= _LONGEST)
    return str(value)


def _resolution(value: Any) -> float:
    _check(_is_number(value) and value > 0)
    return float(value)


def _score(value: Any) -> Table:
    _check(type(value["epoch"]) is int and value["epoch"] > 0)
    _check(all(value[key] is None or (_is_number(value[key]) and 0 <= value[key] <= 1) for key in _SHARES))
    _check(value["validation_loss"] is None or _is_number(value["validation_loss"]))
    return _table(value)


def _dominant(value: Any, classes: int) -> DominantClass:
    _check(type(value["label"]) is int and 0 <= value["label"] < classes)
    shares = [value[key] for key in ("predicted", "truth")]
    _check(all(_is_number(share) and 0 <= share <= 1 for share in shares))
    return DominantClass(value["label"], *map(float, shares))


def _table(value: Any) -> Table:
    _check(isinstance(value, Mapping) and len(value) <= _LONGEST)
    for item in value.values():
        items = item if isinstance(item, list) else [item]
        _check(len(items) <= _LONGEST and all(map(_is_plain, items)))
    return dict(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST
    return value is None or isinstance(value, bool) or _is_number(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _check(condition: bool) -> None:
    if not condition:
        raise ValueError
