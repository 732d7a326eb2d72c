"""Where a grid lies in the reference system of a layer: a box to which its polygons are cut before reprojection.

What is far away from a scene may have no coordinates in its reference system, or wrong ones.
"""

import numpy as np
from pyproj import Transformer

from landcover.labels.pixel_coordinates import PixelCoordinates, bounds_of, whole_turn

Box = tuple[float, float, float, float]

_SIDE = 33  # points of a lattice over the grid, along each axis
_MARGIN = 0.05  # of the box's size, on each side
_POLE = 1e-6  # of an angle, from a pole
_SEAM = 1e-9  # of a whole turn: 4 cm on the equator
_PIXELS = 4  # the margin is at least as many of them


def footprint(coordinates: PixelCoordinates) -> Box | None:
    """The box of a grid in the reference system of a layer, with a margin around it.

    Returns:
        Left, bottom, right, top; longitudes are continuous around the grid, beyond -180 to 180 if need be. None if
        there is no such box: the grid reaches beyond the domain of the layer's reference system.
    """
    grid = coordinates.grid
    columns, rows = np.meshgrid(np.linspace(0, grid.width, _SIDE), np.linspace(0, grid.height, _SIDE))
    x, y = grid.at(columns.ravel(), rows.ravel())
    back = Transformer.from_crs(coordinates.target, coordinates.layer, always_xy=True)
    x, y = back.transform(x, y, errcheck=False)
    finite = np.isfinite(x) & np.isfinite(y)
    turn = whole_turn(coordinates.layer)
    if not finite.any() or not (finite.all() or turn):
        return None
    if turn:
        return _in_degrees(coordinates, x[finite], y[finite], bool(finite.all()), turn)
    return _with_margin(coordinates, (x.min(), y.min(), x.max(), y.max()))


def _in_degrees(coordinates: PixelCoordinates, x: np.ndarray, y: np.ndarray, whole: bool, turn: float) -> Box:
    """The box of points of a grid in longitude and latitude; `whole` says that all of its points have them."""
    middle = x[len(x) // 2]
    x = middle + (x - middle + turn / 2) % turn - turn / 2
    box = _with_margin(coordinates, (x.min(), y.min(), x.max(), y.max()))
    poles = [pole for pole in (-turn / 4, turn / 4) if _is_inside(coordinates, pole)]
    if whole and not poles and box[2] - box[0] < turn / 2:
        return box
    half = turn / 2
    if coordinates.turn:
        middle = sum(bounds_of(coordinates.grid)[::2]) / 2 * turn / coordinates.turn
    else:  # the map is cut open opposite its central meridian, on which longitudes jump to the other end
        central = _central_meridian(coordinates, turn)
        middle = 0.0 if central is None else central
        half -= 0.0 if central is None else turn * _SEAM
    bottom, top = (min([box[1], *poles]), max([box[3], *poles])) if whole else (-turn / 4, turn / 4)
    return middle - half, bottom, middle + half, top


def _central_meridian(coordinates: PixelCoordinates, turn: float) -> float | None:
    """Longitude in the middle of the projection of a grid; None for one around a pole, which has no other end."""
    operation = coordinates.target.coordinate_operation
    parameters = {} if operation is None else {item.name: item.value for item in operation.params}
    back = Transformer.from_crs(coordinates.target, coordinates.layer, always_xy=True)
    longitude, latitude = back.transform(parameters.get("False easting", 0.0), 0.0, errcheck=False)
    is_pole = not np.isfinite(longitude) or abs(latitude) > turn / 4 - _POLE
    return None if is_pole else float(longitude)


def _with_margin(coordinates: PixelCoordinates, box: Box) -> Box:
    left, bottom, right, top = box
    share = max(_MARGIN, _PIXELS / min(coordinates.grid.width, coordinates.grid.height))
    dx, dy = share * (right - left), share * (top - bottom)
    return left - dx, bottom - dy, right + dx, top + dy


def _is_inside(coordinates: PixelCoordinates, latitude: float) -> bool:
    """Whether a pole lies in the grid, or next to it."""
    xy = coordinates.on_ground(np.array([[0.0, latitude]]))
    if not np.isfinite(xy).all() or coordinates.turn:
        return False
    column, row = coordinates.pixels(xy)[0]
    grid = coordinates.grid
    margin_x, margin_y = grid.width * _MARGIN + _PIXELS, grid.height * _MARGIN + _PIXELS
    return bool(-margin_x <= column <= grid.width + margin_x and -margin_y <= row <= grid.height + margin_y)
