import geopandas
import numpy as np
import pytest
import shapely
from conftest import write_labels
from places import PATTERNS, PLACES, SIDE, square
from pyproj import Transformer
from rasterio.transform import from_bounds

from landcover.geo.polygons import write_polygons


def geojson(folder, labels, crs, transform):
    write_labels(folder / "map.tif", labels, crs=crs, transform=transform)
    write_polygons(folder / "out.geojson", folder / "map.tif")
    return geopandas.read_file(folder / "out.geojson")


def parts(frame):
    return shapely.get_parts(frame.geometry.to_numpy())


def area(geometry):
    """Square metres of what lies between straight lines in degrees."""
    equal_area = Transformer.from_crs("EPSG:4326", "+proj=cea +datum=WGS84", always_xy=True)
    dense = shapely.segmentize(geometry, 0.2)
    return shapely.area(shapely.transform(dense, lambda xy: np.column_stack(equal_area.transform(*xy.T))))


@pytest.mark.parametrize("where", [where for where in PLACES if where != "the world and some more"])
def test_polygons_lie_between_180_west_and_east_and_cover_what_they_cover_on_the_map(tmp_path, where):
    for pattern, draw in PATTERNS.items():
        labels = draw(*np.indices((SIDE, SIDE))).astype(np.uint8)
        frame = geojson(tmp_path, labels, *PLACES[where])
        west, south, east, north = frame.total_bounds
        assert -180 <= west < east <= 180, pattern
        assert -90 <= south < north <= 90, pattern
        assert frame.is_valid.all(), pattern
        assert shapely.is_ccw(shapely.get_exterior_ring(parts(frame))).all(), pattern
        assert area(frame.geometry.to_numpy()) == pytest.approx(frame["area_m2"].to_numpy(), rel=5e-4), pattern


def test_a_polygon_across_the_180th_meridian_is_cut_there(tmp_path):
    frame = geojson(tmp_path, np.zeros((2, 2), np.uint8), "EPSG:4326", from_bounds(170, -10, 190, 10, 2, 2))
    expected = shapely.MultiPolygon([shapely.box(170, -10, 180, 10), shapely.box(-180, -10, -170, 10)])
    assert shapely.equals(frame.geometry[0], expected)


@pytest.mark.parametrize("place", ["UTM 1", "UTM 60", "UTM 1 south", "Mercator across the 180th meridian"])
def test_no_polygon_spans_the_globe_because_of_the_meridian(tmp_path, place):
    frame = geojson(tmp_path, np.zeros((SIDE, SIDE), np.uint8), *PLACES[place])
    west, _, east, _ = shapely.bounds(parts(frame)).T
    assert len(west) == 2
    assert (east - west < 10).all()


@pytest.mark.parametrize(("crs", "pole"), [("EPSG:3413", 90), ("EPSG:3031", -90)])
def test_a_polygon_around_a_pole_is_closed_along_it(tmp_path, crs, pole):
    frame = geojson(tmp_path, np.zeros((SIDE, SIDE), np.uint8), crs, square(4e6))
    polygon = frame.geometry[0]
    assert polygon.geom_type == "Polygon"
    assert polygon.bounds[0::2] == (-180, 180)
    assert shapely.covers(polygon, shapely.LineString([(-180, pole), (180, pole)]))
    assert shapely.covers(polygon, shapely.Point(0, pole * 0.8))
    assert not shapely.covers(polygon, shapely.Point(0, 0))


def test_a_ring_around_a_pole_leaves_the_pole_free(tmp_path):
    labels = PATTERNS["in rings"](*np.indices((SIDE, SIDE))).astype(np.uint8)
    frame = geojson(tmp_path, labels, "EPSG:3413", square(4e6))
    at_pole = frame[shapely.covers(frame.geometry.to_numpy(), shapely.Point(0, 90))]
    assert at_pole["class"].tolist() == ["urban"]
    assert (shapely.covers(frame.geometry.to_numpy(), shapely.Point(10, 80)).sum()) == 1


def test_the_longer_a_border_the_more_points_follow_it(tmp_path):
    frame = geojson(tmp_path, np.zeros((SIDE, SIDE), np.uint8), *PLACES["Europe"])
    border = shapely.get_coordinates(frame.geometry[0])
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:3035", always_xy=True).transform(*border.T)
    middle = (border[1:] + border[:-1]) / 2
    middle_x, middle_y = Transformer.from_crs("EPSG:4326", "EPSG:3035", always_xy=True).transform(*middle.T)
    away = np.hypot(middle_x - (x[1:] + x[:-1]) / 2, middle_y - (y[1:] + y[:-1]) / 2)
    assert away.max() < 25  # metres, of 4900 km
