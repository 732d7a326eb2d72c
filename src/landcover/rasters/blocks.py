"""A fixed lattice of nearly square cells over the Earth, and a hash that tells some of them from the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

EARTH_RADIUS = 6371008.8
"""Mean radius of the Earth in metres (IUGG): distances are those on a sphere of this size."""

_FEW = 64  # cells of a range that are worth listing


@dataclass(frozen=True)
class BlockLattice:
    """Cells whose sides are about `side` metres, at the same places whatever lies in them.

    Row r lies between the latitudes that are r and r + 1 times `side` metres north of the equator. Columns count
    eastwards from Greenwich and divide their row evenly: as many as fit where the row is shortest, so that none is
    narrower than `side` anywhere; one, if none fits, as around a pole.

    Longitudes and latitudes count as those of a sphere: on the ellipsoid, distances are up to 0.6 % longer or shorter.

    Attributes:
        side: In metres.
    """

    side: float

    def cells(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the cells in which points lie: two int64 of their shape.

        Args:
            lon, lat: In degrees, finite; longitudes of any turn.
        """
        rows = self._rows(lat)
        counts = self._columns(rows)
        return rows, _column(lon, counts) % counts

    def cells_around(
        self, lon: np.ndarray, lat: np.ndarray, distance: float
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Cells near to points: together, for each point all cells of which a part is nearer than `distance` metres.

        Some may be a little farther: they are the cells that meet the smallest range of longitudes and latitudes
        around the circle of this radius.

        Yields:
            Rows and columns of one cell for each point: two int64 of the shape of `lon`.
        """
        wide, high = _reach(lat, distance)
        return self._cells_between(lon - wide, lat - high, lon + wide, lat + high)

    def cells_near(
        self, west: float, south: float, east: float, north: float, distance: float
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows and columns of all cells near to any point of a range in degrees: int64 (N,) each; None if many are."""
        wide, high = _reach(np.array(max(abs(south), abs(north))), distance)
        ends = (np.array([end]) for end in (west - wide, south - high, east + wide, north + high))
        found = set()
        for row, column in self._cells_between(*ends):
            found.add((int(row[0]), int(column[0])))
            if len(found) > _FEW:
                return None
        rows, columns = np.array(sorted(found)).T
        return rows, columns

    @staticmethod
    def hashes(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Hashes of cells: uint64 of their shape, evenly distributed.

        This is SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014, with the
        constants of Vigna's splitmix64.c) of the number whose upper and lower 32 bits are row and column.
        """
        numbers = (rows.astype(np.uint64) << np.uint64(32)) | (columns.astype(np.uint64) & np.uint64(0xFFFFFFFF))
        with np.errstate(over="ignore"):
            mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashes: np.ndarray = mixed ^ (mixed >> np.uint64(31))
        return hashes

    def _rows(self, lat: np.ndarray) -> np.ndarray:
        north = np.radians(np.clip(lat, -90, 90)) * EARTH_RADIUS
        last = np.ceil(np.pi / 2 * EARTH_RADIUS / self.side) - 1  # the pole itself is in the row below it
        rows: np.ndarray = np.floor(north / self.side).clip(-last - 1, last).astype(np.int64)
        return rows

    def _columns(self, rows: np.ndarray) -> np.ndarray:
        """How many columns rows have."""
        farthest = np.maximum(np.abs(rows), np.abs(rows + 1)) * (self.side / EARTH_RADIUS)  # latitude, radians
        shortest = 2 * np.pi * EARTH_RADIUS * np.cos(np.minimum(farthest, np.pi / 2))
        counts: np.ndarray = np.maximum(np.floor(shortest / self.side), 1).astype(np.int64)
        return counts

    def _cells_between(
        self, west: np.ndarray, south: np.ndarray, east: np.ndarray, north: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Together, all cells that meet ranges in degrees: one cell of each range at a time, some repeatedly."""
        bottom, top = self._rows(south), self._rows(north)
        for i in range(int((top - bottom).max()) + 1):
            rows = np.minimum(bottom + i, top)
            counts = self._columns(rows)
            first = _column(west, counts)
            last = np.minimum(_column(east, counts), first + counts - 1)
            for j in range(int((last - first).max()) + 1):
                yield rows, np.minimum(first + j, last) % counts


def _column(lon: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Columns of longitudes in rows of so many: int64, further ones for further turns."""
    columns: np.ndarray = np.floor(lon / 360 * counts).astype(np.int64)
    return columns


def _reach(lat: np.ndarray, distance: float) -> tuple[np.ndarray, float]:
    """How far, in degrees, the circle of this radius around a point at a latitude reaches in longitude and latitude.

    A circle of angle d around latitude p reaches asin(sin d / cos p) in longitude, or around the pole.
    """
    angle = distance / EARTH_RADIUS
    to_pole = np.radians(90 - np.abs(lat))
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.degrees(np.arcsin(np.minimum(np.sin(angle) / np.sin(to_pole), 1)))
    return np.where(to_pole > angle, wide, 180.0), float(np.degrees(angle))
