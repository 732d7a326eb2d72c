"""The codes of classes in rasters of whole numbers, and their translation to label indices."""

from collections.abc import Mapping, Sequence

import numpy as np

from landcover.classes.class_entries import Code
from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.off_palette import most_frequent_codes
from landcover.system.errors import LandcoverError


class CodeTable:
    """Which whole numbers mean which class.

    Args:
        classes: Their order is that of the label indices.
        codes: Of each class by its name, the ignored one among them; those that are text stand for no pixel.

    Raises:
        LandcoverError: A class has no code that is a number, or two share one.
    """

    def __init__(self, classes: ClassTable, codes: Mapping[str, Sequence[Code]]) -> None:
        self.classes = classes
        label_of: dict[int, int] = {}
        owner: dict[int, str] = {}
        for label, name in enumerate([*classes.names, *([classes.ignore[0]] if classes.ignore else [])]):
            numbers = [code for code in codes.get(name, ()) if isinstance(code, int)]
            if not numbers and name in classes.colours:
                raise LandcoverError(
                    f"`classes`: {name!r} has no codes, by which `masks`: codes tells the classes. Write it as "
                    f'{name}: {{colour: "#00ff00", codes: [1]}}.'
                )
            for code in numbers:
                if owner.setdefault(code, name) != name:
                    raise LandcoverError(f"`classes`: {owner[code]!r} and {name!r} share the code {code}. Remove one.")
                label_of[code] = label if name in classes.colours else UNKNOWN
        self._codes = np.array(sorted(label_of), np.int64)
        self._labels = np.array([label_of[int(code)] for code in self._codes], np.uint8)

    def __contains__(self, code: int) -> bool:
        """Whether a code means a class, or the ignored one."""
        return bool((self._codes == code).any())

    def decode(self, values: np.ndarray, valid: np.ndarray | None = None) -> tuple[np.ndarray, dict[str, int]]:
        """Labels of a raster of codes.

        Args:
            values: Whole numbers (H, W) of any type.
            valid: Where there is data, bool (H, W); None for everywhere.

        Returns:
            Labels, uint8 (H, W) of class indices, `UNKNOWN` where there is no data and where the code is that of the
            ignored class or of none; and the number of pixels of each code of no class, the most frequent first.
        """
        places = np.searchsorted(self._codes, values).clip(max=len(self._codes) - 1)
        is_known = self._codes[places] == values
        labels = np.where(is_known, self._labels[places], np.uint8(UNKNOWN))
        if valid is not None:
            labels[~valid] = UNKNOWN
            is_known = is_known | ~valid
        return labels, most_frequent_codes(*np.unique(values[~is_known], return_counts=True))
