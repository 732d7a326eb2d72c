"""Names that say where on the globe a tile of the embedded data set lies."""

import re

TILE_DEGREES = 15
"""Side of a tile in degrees of latitude and longitude."""

_NAME = re.compile(r"(?P<ns>[NS])(?P<south>\d\d)(?P<ew>[EW])(?P<west>\d{3})")


def tile_name(south: int, west: int) -> str:
    """`N45E015` for the tile whose south-west corner lies at 45 degrees north, 15 degrees east."""
    return f"{'NS'[south < 0]}{abs(south):02d}{'EW'[west < 0]}{abs(west):03d}"


def tile_corner(name: str) -> tuple[int, int] | None:
    """South and west edge in degrees of the tile called `name`; None if it is not the name of a tile."""
    match = _NAME.fullmatch(name)
    if not match:
        return None
    south = int(match["south"]) * (-1 if match["ns"] == "S" else 1)
    west = int(match["west"]) * (-1 if match["ew"] == "W" else 1)
    on_grid = -90 <= south < 90 and -180 <= west < 180 and south % TILE_DEGREES == west % TILE_DEGREES == 0
    return (south, west) if on_grid else None
