"""A progress bar with the number of images done and images per second, on terminals only."""

import shutil
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from tqdm import tqdm

Item = TypeVar("Item")


def progress_bar(
    name: str, total: float, unit: str, items: Iterable[Item] | None = None, *, decimals: int = 0, quiet: bool = False
) -> "tqdm[Item]":
    """A bar of tqdm that shows units per second, even where a unit takes longer than a second.

    Args:
        name: Is shown before the bar.
        total: Number of units.
        unit: Their name, a plural.
        items: What to iterate over, one unit each; None to call `update` of the bar instead.
        decimals: Of the numbers of units.
        quiet: Show no bar, not even on a terminal.
    """
    form = "{l_bar}{bar}| {n:.%df}/{total:.%df} %s [{elapsed}<{remaining}, {rate_noinv_fmt}]"
    options: dict[str, Any] = {"bar_format": form % (decimals, decimals, unit), "disable": True if quiet else None}
    width, height = shutil.get_terminal_size()  # else tqdm shows nothing on a terminal that does not know its size
    return cast("tqdm[Item]", tqdm(items, name, total, unit=f" {unit}", ncols=width, nrows=height, **options))
