"""Degrees of WGS 84 for every pixel of a grid, from few points between which a page interpolates. Needs pyproj."""

from typing import Any

import numpy as np

from landcover.rasters.grid import Grid

_AIM = 0.5  # pixels that an interpolated place should be off at most
_LIMIT = 1.0  # pixels off, from which on it is not told
_MOST = 128  # cells along each axis
_WITHIN = np.array([0.25, 0.5, 0.75])  # places in each cell, along both axes, where the error is measured
_SHARE = 20  # parts of a pixel to which degrees are rounded


def control_points(grid: Grid) -> dict[str, Any] | None:
    """Longitudes and latitudes at the corners of equal cells, as few as keep bilinear interpolation exact enough.

    Within a cell, longitudes may differ by whole turns: bring them to within half a turn of the first to interpolate.

    Returns:
        cells: Their number N along each axis.
        digits: After the point, that degrees are worth.
        lon, lat: (N + 1)^2 numbers each, row by row; null where the interpolation around would be wrong, such as at
            a pole or outside the projection.
        None if the grid has no place on Earth.
    """
    if grid.crs is None:
        return None
    cells = 2
    try:
        while True:
            lon, lat = _degrees(grid, np.linspace(0, 1, cells + 1))
            errors = _errors(grid, lon, lat)
            if cells == _MOST or not (errors > _AIM).any():
                break
            cells *= 2
    except ValueError:
        return None
    unknown = ~(np.isfinite(lon) & np.isfinite(lat))
    for down, right in np.argwhere(errors > _LIMIT):
        unknown[down : down + 2, right : right + 2] = True
    if unknown.all():
        return None
    steps = np.hypot(np.diff(lat, axis=0), _turned(np.diff(lon, axis=0))) * cells / grid.height
    digits = max(0, int(np.ceil(-np.log10(np.nanmin(np.where(steps > 0, steps, np.nan)) / _SHARE))))
    points = {"lon": _numbers(lon, unknown, digits), "lat": _numbers(lat, unknown, digits)}
    return {"cells": cells, "digits": max(0, digits - 1), **points}


def _degrees(grid: Grid, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude, (N, N) each, at shares of the width and the height."""
    lon, lat = grid.degrees_at(*np.meshgrid(shares * grid.width, shares * grid.height))
    finite = np.isfinite(lon) & np.isfinite(lat)
    return np.where(finite, lon, np.nan), np.where(finite, lat, np.nan)


def _errors(grid: Grid, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """The largest error found in each cell in pixels: (N, N), infinite if a corner is not known but some place is."""
    cells = len(lon) - 1
    corners = [(lon[i : i + cells, j : j + cells], lat[i : i + cells, j : j + cells]) for i in (0, 1) for j in (0, 1)]
    first = corners[0][0]
    largest = np.zeros((cells, cells))
    starts = np.arange(cells)
    for v in _WITHIN:
        for u in _WITHIN:
            weights = ((1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u)
            near = [first + _turned(one - first) for one, _ in corners]
            columns, rows = np.meshgrid((starts + u) * grid.width / cells, (starts + v) * grid.height / cells)
            true = grid.degrees_at(columns, rows)
            steps = [grid.degrees_at(columns + 1, rows), grid.degrees_at(columns, rows + 1)]
            with np.errstate(invalid="ignore"):
                found = (
                    sum(weight * one for weight, one in zip(weights, near, strict=True)),
                    sum(weight * one for weight, (_, one) in zip(weights, corners, strict=True)),
                )
                pixel = np.minimum(*(_distance(step, true) for step in steps))
                error = np.where(np.isfinite(true[0]), _distance(found, true) / pixel, 0)
                largest = np.maximum(largest, np.where(np.isnan(error), np.inf, error))
    return largest


def _distance(one: tuple[Any, Any], other: tuple[Any, Any]) -> np.ndarray:
    """Distances between near places, in degrees of latitude."""
    (lon, lat), (other_lon, other_lat) = one, other
    return np.asarray(np.hypot(_turned(lon - other_lon) * np.cos(np.radians(other_lat)), lat - other_lat))


def _turned(lon: np.ndarray) -> np.ndarray:
    """Differences of longitudes, from -180 to 180."""
    return np.asarray((lon + 180) % 360 - 180)


def _numbers(values: np.ndarray, unknown: np.ndarray, digits: int) -> list[float | None]:
    pairs = zip(values.ravel().round(digits).tolist(), unknown.ravel().tolist(), strict=True)
    return [None if is_unknown else value for value, is_unknown in pairs]
