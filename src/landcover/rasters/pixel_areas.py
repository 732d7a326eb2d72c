"""Areas of pixels on the ellipsoid of their reference system. Needs rasterio and pyproj."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from landcover.rasters.earth_coordinates import EarthCoordinates
    from landcover.rasters.grid import Grid

_APART, _MOST = 10_000, 64  # metres, and pixels, between those whose areas are computed; others are interpolated
_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])  # of a pixel: columns and rows to the right and down


def pixel_areas(grid: "Grid") -> np.ndarray:
    """Compute the areas of the pixels of a grid, whatever its projection does to areas.

    Of pixels in longitudes and latitudes exactly; else as those of flat quadrilaterals through the corners on the
    ellipsoid, which differ from pixels of 10 km by less than 1e-6 of their area, and interpolated between pixels that
    are at most 10 km apart.

    Returns:
        In square metres: float64 (H, W), or (H, 1) where all pixels of a row have the same; 0 outside the projection.

    Raises:
        ValueError: The grid has no reference system, or one without a place on Earth.
    """
    from landcover.rasters.earth_coordinates import EarthCoordinates  # pyproj is slow to import

    earth = EarthCoordinates.of(grid.crs) if grid.crs else None
    if earth is None:
        raise ValueError("no reference system with a place on Earth")
    if not earth.wraps and grid.transform.b == grid.transform.d == 0:
        edges = np.arange(grid.height + 1)
        _, lat = earth.degrees(np.stack(grid.at(edges * 0, edges), -1))
        (first, second), _ = earth.degrees(np.stack(grid.at(np.arange(2), np.zeros(2)), -1))
        areas: np.ndarray = np.abs(np.diff(earth.authalic(lat)) * np.radians(second - first))
        return areas[:, None]
    middle = areas_at(grid, earth, np.array([grid.height // 2]), np.array([grid.width // 2]))[0, 0]
    step = int(np.clip(_APART / np.sqrt(middle), 1, _MOST)) if middle > 0 else 1
    rows, columns = (_every(step, count) for count in (grid.height, grid.width))
    some = areas_at(grid, earth, rows, columns)
    if step > 1 and (some == 0).any():
        return areas_at(grid, earth, _every(1, grid.height), _every(1, grid.width))
    return _weights(rows, grid.height) @ some @ _weights(columns, grid.width).T if step > 1 else some


def areas_at(grid: "Grid", earth: "EarthCoordinates", rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Areas of the pixels in some rows and columns of a grid, as those of flat quadrilaterals.

    Args:
        grid: Of any size.
        earth: Of its reference system.
        rows, columns: Of the upper left corners of the pixels, (R,) and (C,).

    Returns:
        In square metres: float64 (R, C); 0 outside the projection.
    """
    right = columns[None, :, None] + _CORNERS[:, 0]  # (1, columns, 4)
    down = rows[:, None, None] + _CORNERS[:, 1]
    x, y = grid.at(*np.broadcast_arrays(right, down))
    lon, lat = np.radians(earth.degrees(np.stack([x.ravel(), y.ravel()], -1)))
    squeezed = (earth.semi_minor / earth.semi_major) ** 2
    normal = earth.semi_major / np.sqrt(np.cos(lat) ** 2 + squeezed * np.sin(lat) ** 2)
    place = normal * np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), squeezed * np.sin(lat)])
    corners = place.T.reshape(*x.shape, 3)  # (rows, columns, 4, 3), metres from the centre of the Earth
    diagonals = corners[..., 2, :] - corners[..., 0, :], corners[..., 3, :] - corners[..., 1, :]
    areas: np.ndarray = np.nan_to_num(np.linalg.norm(np.cross(*diagonals), axis=-1) / 2)
    return areas


def _every(step: int, count: int) -> np.ndarray:
    """Every `step`-th of so many numbers, and the last one."""
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def _weights(known: np.ndarray, count: int) -> np.ndarray:
    """Weights (count, known) that interpolate linearly between known numbers."""
    return np.stack([np.interp(np.arange(count), known, of_one) for of_one in np.eye(len(known))], -1)
