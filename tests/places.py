"""Places on Earth and patterns of classes, for the tests of areas and polygons."""

import numpy as np
from rasterio.transform import Affine, from_bounds, from_origin

SIDE = 12
MERCATOR = 20037508.342789244  # metres from the middle to the border of EPSG:3857
TILTED = Affine.translation(170, 40) @ Affine.rotation(30) @ Affine.scale(1, -1)


def square(half, x=0.0, y=0.0):
    return from_bounds(x - half, y - half, x + half, y + half, SIDE, SIDE)


PLACES = {
    "the world": ("EPSG:4326", from_bounds(-180, -90, 180, 90, SIDE, SIDE)),
    "the world from 0 to 360": ("EPSG:4326", from_bounds(0, -90, 360, 90, SIDE, SIDE)),
    "the world a turn away": ("EPSG:4326", from_bounds(-540, -90, -180, 90, SIDE, SIDE)),
    "pixels centred on the poles": ("EPSG:4326", from_bounds(-187.5, -98, 172.5, 98, SIDE, SIDE)),
    "across the 180th meridian": ("EPSG:4326", from_bounds(170, -10, 190, 10, SIDE, SIDE)),
    "the world and some more": ("EPSG:4326", from_bounds(-180, -80, 190, 80, SIDE, SIDE)),
    "degrees, south up": ("EPSG:4326", Affine(1, 0, 5, 0, 1, 40)),
    "degrees, rotated": ("EPSG:4326", TILTED),
    "degrees, sheared": ("EPSG:4326", Affine(3, 2, -10, 0, -5, 70)),
    "grads from Paris": ("EPSG:4807", from_bounds(0, 50, 5, 55, SIDE, SIDE)),
    "UTM 1": ("EPSG:32601", from_origin(250_000, 6e6, 10_000, 10_000)),
    "UTM 60": ("EPSG:32660", from_origin(650_000, 6e6, 10_000, 10_000)),
    "UTM 1 south": ("EPSG:32701", from_origin(250_000, 4e6, 10_000, 10_000)),
    "UTM 60 south": ("EPSG:32760", from_origin(650_000, 4e6, 10_000, 10_000)),
    "UTM, rotated": ("EPSG:32633", Affine.translation(4e5, 6e6) @ Affine.rotation(30) @ Affine.scale(1e4, -1e4)),
    "UTM, south up": ("EPSG:32633", Affine(1000, 0, 4e5, 0, 1000, 5e6)),
    "UTM with heights": ("EPSG:32633+5773", from_origin(4e5, 6e6, 1000, 1000)),
    "Europe": ("EPSG:3035", from_bounds(2.5e6, 1.4e6, 7.4e6, 5.5e6, SIDE, SIDE)),
    "Arctic": ("EPSG:3413", square(4e6)),
    "Arctic, a pixel around the pole": ("EPSG:3413", square(4e6, 1e5, -1.3e5)),
    "Arctic, the pole on an edge": ("EPSG:3413", square(4e6, 1e5)),
    "Arctic, metres from the pole": ("EPSG:3413", square(60)),
    "Arctic, far beyond the equator": ("EPSG:3413", square(3e7)),
    "Antarctic": ("EPSG:3031", square(4e6)),
    "Antarctic, a pixel around the pole": ("EPSG:3031", square(4e6, 1e5, -1.3e5)),
    "Antarctic, the pole on an edge": ("EPSG:3031", square(4e6, 0, 1e5)),
    "Mercator's world": ("EPSG:3857", square(MERCATOR)),
    "Mercator across the 180th meridian": ("EPSG:3857", square(5e5, MERCATOR)),
    "feet": ("EPSG:2227", from_origin(6e6, 2.1e6, 10_000, 10_000)),
    "south and west, mirrored": ("EPSG:5513", square(5e4, 1.05e6, 6.5e5)),
}
PATTERNS = {
    "chequered": lambda row, col: (row + col) % 2,
    "of one class": lambda row, col: row * 0,
    "in rings": lambda row, col: np.maximum(abs(row - 5.5), abs(col - 5.5)).astype(int) % 3,
    "in blocks": lambda row, col: (row // 5 * 7 + col // 4 * 5) % 3,
    "in rows": lambda row, col: row % 3,
}
