"""What a file of labels holds, before anybody has said which classes there are: for `landcover check`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from rasterio.enums import ColorInterp

from landcover.classes.colours import hex_colour, pack
from landcover.classes.off_palette import most_frequent, most_frequent_codes
from landcover.labels.class_values import as_text
from landcover.labels.extents import extent
from landcover.labels.geometries import kinds_of
from landcover.labels.pixel_coordinates import bounds_of
from landcover.labels.sources import find_rasters
from landcover.labels.vector_files import has_reference_system, is_vector_file, read_frame
from landcover.rasters.access import open_dataset, raster_errors
from landcover.rasters.grid import Grid
from landcover.rasters.sampling import sample_pixels

_EQUAL_AREA = "EPSG:6933"
_MOST_VALUES = 100  # of a column that may be the one with the class
_USUAL = ("class", "label", "landcover", "land_cover", "lc", "cover", "category", "type", "code", "name", "value")


@dataclass(frozen=True)
class LabelSummary:
    """What a file of labels holds.

    Attributes:
        path: The file or folder.
        kind: `polygons`, `points`, `codes` (a raster of one band) or `colours` (one of three bands).
        count: Number of rows of the layer, or of rasters.
        crs: Name of the reference system; several are joined by commas; empty if there is none.
        extent: Where it lies, in words.
        columns: Of polygons and points: how many rows have each value, by column; the most frequent first, values as
            text. Only of columns that may have classes: whole numbers or text with at most 100 different values.
        column: The one with the class: as given, or the likeliest; None for rasters, and if no column is likely.
        shares: Share (0..1) of each value of `column`, or code or `#rrggbb` of a raster, the largest first: of the area
            of polygons, the number of points, or an even sample of the pixels with data.
        palette: `#rrggbb` of each code, where a raster of codes has a palette, as that of ESA WorldCover.
        problems: What is wrong or worth a look, a line each; what makes `open_labels` fail is among them.
    """

    path: Path
    kind: str
    count: int
    crs: str
    extent: str
    columns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    column: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    palette: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def describe_labels(root: Path, labels: str, column: str | None = None) -> LabelSummary:
    """Look at the labels of a data set, without a table of classes.

    Args:
        root: Folder of the data set.
        labels: Below it, see `sources.open_labels`.
        column: With the class; None to look for it.

    Raises:
        LandcoverError: It cannot be read at all, has several layers or no rows, or lacks the column.
    """
    path = Path(root, labels)
    return _of_layer(path, column) if is_vector_file(path) else _of_rasters(path, find_rasters(root, labels))


def _of_layer(path: Path, column: str | None) -> LabelSummary:
    frame = read_frame(path)
    columns = {str(name): frame[name] for name in frame.columns if name != frame.geometry.name}
    if column is not None and column not in columns:
        read_frame(path, column)  # raises
    values = {name: found for name, series in columns.items() if (found := _values(series)) is not None}
    column = column or _likeliest(values)
    problems = []
    crs = frame.crs if has_reference_system(frame) else None
    if crs is None:
        problems.append("the layer has no reference system")
    geometry = shapely.force_2d(frame.geometry.to_numpy())
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    kinds = Counter(map(str, kinds_of(geometry[~empty])))
    if len(kinds) > 1 or "others" in kinds:
        named = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        problems.append(f"mixed geometry types, or others than polygons and points: {named}")
    invalid = int((~shapely.is_valid(geometry[~empty])).sum())
    if empty.any():
        problems.append(f"{int(empty.sum())} rows without geometry")
    if invalid:
        problems.append(f"{invalid} rows with invalid geometry, which will be repaired")
    shares: dict[str, float] = {}
    if column is not None:
        weights = _areas(frame, crs) if "polygons" in kinds else np.ones(len(frame))
        text = columns[column].map(as_text, na_action="ignore")
        sums = pd.Series(weights).groupby(text.to_numpy()).sum().sort_values(ascending=False)
        shares = {str(name): float(value) for name, value in (sums / max(sums.sum(), 1e-300)).items()}
        if missing := int(columns[column].isna().sum()):
            problems.append(f"{missing} rows without a value in the column {column!r}")
    place = extent([(tuple(frame.total_bounds), crs)]) if crs is not None else "an unknown place"
    kind = kinds.most_common(1)[0][0] if kinds else "polygons"
    name = crs.name if crs is not None else ""
    return LabelSummary(path, kind, len(frame), name, place, values, column, shares, problems=tuple(problems))


def _values(series: pd.Series) -> dict[str, int] | None:
    """How many rows have each value, if the column may have classes."""
    counts = series.value_counts()  # without missing values
    if not 0 < len(counts) <= _MOST_VALUES:
        return None
    if not all(isinstance(value, str | int | np.integer) or _is_whole(value) for value in counts.index):
        return None
    found: dict[str, int] = {}
    for value, count in counts.items():
        found[as_text(value)] = found.get(as_text(value), 0) + int(count)
    return found


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _likeliest(values: Mapping[str, Mapping[str, int]]) -> str | None:
    """The column with the class: one of a usual name, else the only one whose values repeat."""
    for usual in _USUAL:
        for name in values:
            if name.lower() == usual:
                return name
    several = [name for name, counts in values.items() if 1 < len(counts) < sum(counts.values())]
    return several[0] if len(several) == 1 else None


def _areas(frame: geopandas.GeoDataFrame, crs: CRS | None) -> np.ndarray:
    geometry = frame.geometry if crs is None else frame.geometry.to_crs(_EQUAL_AREA)
    areas = geometry.area.to_numpy()
    return np.where(np.isfinite(areas), areas, 0.0)


def _of_rasters(path: Path, files: Sequence[Path]) -> LabelSummary:
    counts: Counter[str] = Counter()
    palette: dict[str, str] = {}
    places, kinds, problems = [], set(), []
    for file in files:
        with open_dataset(file) as dataset, raster_errors(file):
            grid = Grid.of(dataset)
            if grid.crs is None:
                problems.append(f"{file}: no place on the map (reference system and transform)")
            else:
                places.append((bounds_of(grid), CRS.from_wkt(grid.crs.to_wkt())))
            bands = sum(colour != ColorInterp.alpha for colour in dataset.colorinterp)
            kinds.add({1: "codes", 3: "colours"}.get(bands, "others"))
            if bands not in (1, 3):
                problems.append(f"{file}: {bands} bands, neither codes nor colours")
                continue
            if bands == 3 and dataset.dtypes[0] != "uint8":
                problems.append(f"{file}: colours of type {dataset.dtypes[0]}, not uint8")
                continue
            sample = sample_pixels(dataset, list(range(1, bands + 1))).reshape(bands, -1)
            if bands == 1 and dataset.colorinterp[0] == ColorInterp.palette:
                palette |= {str(code): hex_colour(colour[:3]) for code, colour in dataset.colormap(1).items()}
        valid = sample.data[:, ~np.ma.getmaskarray(sample).all(0)]
        values = pack(valid.T) if bands == 3 else valid[0]
        if values.dtype.kind == "f" and not (values == np.floor(values)).all():
            problems.append(f"{file}: values that are not whole numbers")
        found = np.unique(values, return_counts=True)
        counts.update(most_frequent(*found) if bands == 3 else most_frequent_codes(*found))
    if len(kinds) > 1:
        problems.append("rasters of codes and of colours together")
    total = max(1, counts.total())
    shares = {value: count / total for value, count in counts.most_common()}
    return LabelSummary(
        path,
        "colours" if "colours" in kinds else "codes",
        len(files),
        ", ".join(dict.fromkeys(crs.name for _, crs in places)),
        extent(places),
        shares=shares,
        palette={code: colour for code, colour in palette.items() if code in shares},
        problems=tuple(problems),
    )
