"""A bar that says how many images are done, and how many a second; on terminals only."""

import shutil
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress_bar(
    name: str, total: float, unit: str, items: Iterable | None = None, *, decimals: int = 0, quiet: bool = False
) -> tqdm:
    """A bar of tqdm, which says units a second also where one takes longer than that.

    Args:
        name: What stands before it.
        total: Number of units in all.
        unit: Their name, a plural.
        items: To iterate over, one unit each; None to call `update` of the bar.
        decimals: Of the numbers of units.
        quiet: Show nothing, not even to a terminal.
    """
    form = "{l_bar}{bar}| {n:.%df}/{total:.%df} %s [{elapsed}<{remaining}, {rate_noinv_fmt}]"
    options: dict[str, Any] = {"bar_format": form % (decimals, decimals, unit), "disable": True if quiet else None}
    width, height = shutil.get_terminal_size()  # tqdm shows nothing where the terminal does not know its size
    return tqdm(items, name, total, unit=f" {unit}", ncols=width, nrows=height, **options)
