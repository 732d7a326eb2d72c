"""Where the coordinates of a reference system lie on its ellipsoid. Needs pyproj (the extra geo)."""

from dataclasses import dataclass

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

_DEGREES = "EPSG:4326"


@dataclass(frozen=True)
class EarthCoordinates:
    """How coordinates become longitudes and latitudes; `EarthCoordinates.of` makes it.

    Attributes:
        semi_major, semi_minor: Axes of the ellipsoid in metres.
        wraps: Whether longitudes are known up to whole turns only, as those of a projection are. The coordinates of a
            geographic system are longitudes already and may run from 0 to 360, or from -180 to 190.
    """

    semi_major: float
    semi_minor: float
    wraps: bool
    _unit: float  # degrees: of the system's angles
    _meridian: float  # degrees from Greenwich to where its longitudes begin
    _geographic: Transformer | None
    _wgs84: Transformer

    @classmethod
    def of(cls, crs: object) -> "EarthCoordinates | None":
        """Make it for what pyproj takes for a reference system; None for one that is not on Earth, such as a site's."""
        crs = CRS.from_user_input(crs)
        geodetic = crs.geodetic_crs
        if geodetic is None or geodetic.is_geocentric:
            return None
        wraps = not crs.is_geographic or crs.is_derived  # a rotated pole's longitudes are none of the Earth's
        try:
            geographic = Transformer.from_crs(crs, geodetic, always_xy=True) if wraps else None
            wgs84 = Transformer.from_crs(geodetic, _DEGREES, always_xy=True)
        except ProjError:
            return None
        ellipsoid, meridian = geodetic.ellipsoid, geodetic.prime_meridian
        return cls(
            ellipsoid.semi_major_metre,
            ellipsoid.semi_minor_metre,
            wraps,
            float(np.degrees(geodetic.axis_info[0].unit_conversion_factor)),
            float(np.degrees(meridian.longitude * meridian.unit_conversion_factor)),
            geographic,
            wgs84,
        )

    def degrees(self, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes, in degrees of the system's own datum and meridian, of coordinates (N, 2).

        Where a projection has no place for the coordinates, they are NaN.
        """
        x, y = xy.T
        if self._geographic is not None:
            x, y = self._geographic.transform(x, y, errcheck=False)
        lon, lat = x * self._unit, y * self._unit
        nowhere = ~(np.isfinite(lon) & np.isfinite(lat))
        return np.where(nowhere, np.nan, lon), np.where(nowhere, np.nan, lat.clip(-90, 90))

    def coordinates(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """Coordinates (N, 2) of `degrees`, for a projection; NaN where it has none."""
        angles = lon / self._unit, lat / self._unit
        xy = np.column_stack(self._geographic.transform(*angles, errcheck=False, direction="INVERSE"))
        return np.where(np.isfinite(xy), xy, np.nan)

    def wgs84(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes of `degrees` in WGS 84; the longitudes stay in their turn."""
        east, north = self._wgs84.transform(lon / self._unit, lat / self._unit, errcheck=False)
        lon = lon + self._meridian
        return east + 360 * np.round((lon - east) / 360), north

    def authalic(self, lat: np.ndarray) -> np.ndarray:
        """Square metres between the equator and latitudes in degrees, for each radian of longitude.

        The ordinate of a cylindrical equal-area projection (Snyder, Map Projections, 1987, equation 3-12).
        """
        sine = np.sin(np.radians(lat))
        e = np.sqrt(max(0.0, 1 - (self.semi_minor / self.semi_major) ** 2))
        spherical = np.arctanh(e * sine) / e if e > 0 else sine
        return self.semi_minor**2 / 2 * (sine / (1 - (e * sine) ** 2) + spherical)
