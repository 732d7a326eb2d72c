"""Longitudes and latitudes of coordinates on the ellipsoid of their reference system. Needs pyproj."""

from dataclasses import dataclass

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

_DEGREES = "EPSG:4326"


@dataclass(frozen=True)
class EarthCoordinates:
    """How the coordinates of a reference system become longitudes and latitudes. Made by `EarthCoordinates.of`.

    Attributes:
        semi_major, semi_minor: Semi-axes of the ellipsoid in metres.
        wraps: Whether longitudes are known only up to whole turns, as those of a projection are. In a geographic system
            the coordinates are longitudes already, and may run from 0 to 360, or from -180 to 190.
    """

    semi_major: float
    semi_minor: float
    wraps: bool
    _unit: float  # of the system's angles, in degrees
    _meridian: float  # degrees from Greenwich to where its longitudes begin
    _geographic: Transformer | None
    _wgs84: Transformer

    @classmethod
    def of(cls, crs: object) -> "EarthCoordinates | None":
        """Make it for a reference system.

        Args:
            crs: Anything that pyproj takes for one.

        Returns:
            None for a system without a place on Earth, such as a local one of a building site.
        """
        system = CRS.from_user_input(crs)
        geodetic = system.geodetic_crs
        if geodetic is None or geodetic.is_geocentric:
            return None
        ellipsoid, meridian = geodetic.ellipsoid, geodetic.prime_meridian
        if ellipsoid is None or meridian is None:
            return None
        wraps = not system.is_geographic or system.is_derived  # with a rotated pole, longitudes are not the Earth's
        try:
            geographic = Transformer.from_crs(system, geodetic, always_xy=True) if wraps else None
            wgs84 = Transformer.from_crs(geodetic, _DEGREES, always_xy=True)
        except ProjError:
            return None
        return cls(
            ellipsoid.semi_major_metre,
            ellipsoid.semi_minor_metre,
            wraps,
            float(np.degrees(geodetic.axis_info[0].unit_conversion_factor)),
            float(np.degrees(meridian.longitude * float(meridian.unit_conversion_factor))),
            geographic,
            wgs84,
        )

    def degrees(self, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes of coordinates (N, 2): two float64 (N,) in degrees, of the system's own datum.

        Longitudes count from the system's own meridian. Both are NaN where the coordinates are outside the projection.
        """
        x, y = xy.T
        if self._geographic is not None:
            x, y = self._geographic.transform(x, y, errcheck=False)
        lon, lat = x * self._unit, y * self._unit
        nowhere = ~(np.isfinite(lon) & np.isfinite(lat))
        return np.where(nowhere, np.nan, lon), np.where(nowhere, np.nan, lat.clip(-90, 90))

    def coordinates(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """The inverse of `degrees`, for a projection: float64 (N, 2), NaN where there are no coordinates."""
        assert self._geographic is not None  # as it wraps
        angles = lon / self._unit, lat / self._unit
        xy = np.column_stack(self._geographic.transform(*angles, errcheck=False, direction="INVERSE"))
        return np.where(np.isfinite(xy), xy, np.nan)

    def wgs84(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What `degrees` returned, in WGS 84; longitudes keep their whole turns."""
        east, north = self._wgs84.transform(lon / self._unit, lat / self._unit, errcheck=False)
        lon = lon + self._meridian
        return east + 360 * np.round((lon - east) / 360), north

    def authalic(self, lat: np.ndarray) -> np.ndarray:
        """Areas between the equator and latitudes in degrees, in square metres per radian of longitude.

        This is the ordinate of a cylindrical equal-area projection (Snyder, Map Projections, 1987, equation 3-12).
        """
        sine = np.sin(np.radians(lat))
        e = np.sqrt(max(0.0, 1 - (self.semi_minor / self.semi_major) ** 2))
        spherical = np.arctanh(e * sine) / e if e > 0 else sine
        areas: np.ndarray = self.semi_minor**2 / 2 * (sine / (1 - (e * sine) ** 2) + spherical)
        return areas
