"""Labels in other processes: read there again, once for each, as they may be large and hold locks."""

import pickle
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import uuid4

_Reduced = tuple[Callable[..., Any], tuple[str, bytes]]


class ReadAgain:
    """What is pickled as the arguments from which it was made, so that unpickling reads the files again.

    Args:
        arguments: Of the class.
    """

    def __init__(self, *arguments: Any) -> None:
        self._arguments, self._key = arguments, uuid4().hex  # a key of its own: by the next run, files may differ

    def __reduce__(self) -> _Reduced:
        return _read, (self._key, pickle.dumps((type(self), self._arguments)))


@lru_cache(maxsize=2)  # labels and areas of interest
def _read(key: str, pickled: bytes) -> Any:
    kind, arguments = pickle.loads(pickled)
    return kind(*arguments)
