"""What can be wrong with a layer of labels: each function spoils the layer of `scene_sets.bands_and_polygons`."""

import warnings

import geopandas
import pandas as pd
import shapely
from scene_sets import UTM_32, place

LAYER = "labels.gpkg"


def _changed(root, frame: geopandas.GeoDataFrame) -> None:
    (root / LAYER).unlink()
    frame.to_file(root / LAYER)


def _read(root) -> geopandas.GeoDataFrame:
    return geopandas.read_file(root / LAYER)


def _more(root, geometry: shapely.Geometry, name: str = "water") -> None:
    """Add a row, in the scene's metres."""
    more = geopandas.GeoDataFrame({"class": [name]}, geometry=[geometry], crs=UTM_32).to_crs("EPSG:4326")
    _changed(root, pd.concat([_read(root), more], ignore_index=True))


def across_the_edge(root) -> None:
    x, y = place(0) @ (0, 0)
    _more(root, shapely.box(x - 5000, y - 300, x + 300, y + 5000))


def invalid(root) -> None:
    x, y = place(0) @ (60, 150)
    bow_tie = [(0, 0), (400, 400), (400, 0), (0, 400)]
    _more(root, shapely.Polygon([(x + dx, y + dy) for dx, dy in bow_tie]))


def empty(root) -> None:
    _changed(root, _read(root).iloc[:0])


def unknown_class(root) -> None:
    frame = _read(root)
    frame.loc[3, "class"] = "forrest"
    _changed(root, frame)


def missing_column(root) -> None:
    _changed(root, _read(root).rename(columns={"class": "klass"}))


def elsewhere(root) -> None:
    frame = _read(root)
    _changed(root, frame.set_geometry(frame.translate(30, 10)))


def mixed(root) -> None:
    x, y = place(0) @ (100, 100)
    _more(root, shapely.Point(x, y))


def without_system(root) -> None:
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # that the file will have none
        _changed(root, _read(root).set_crs(None, allow_override=True))
