"""Layers of polygons, written as they come. Needs pyarrow, pyogrio and pyproj (the extra geo)."""

import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow
from pyogrio import get_gdal_config_option, set_gdal_config_options
from pyogrio.raw import write_arrow
from pyproj import CRS

from landcover.classes.colours import Colour
from landcover.geo.layer_styles import add_style
from landcover.geo.polygon_files import PolygonFormat
from landcover.system.files import replacing, write_error

BATCH = 16_384
"""Rows that are made, put in order and written together."""

_TIME = {"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"}  # which a GeoPackage notes: the same content, the same bytes


def schema_of(area: str) -> pyarrow.Schema:
    """The columns of a layer: class, an area of this name, and geometry."""
    geometry = pyarrow.field("geometry", pyarrow.large_binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    return pyarrow.schema([("class", pyarrow.string()), (area, pyarrow.float64()), geometry])


class Rows:
    """Rows as GDAL takes them, batch by batch.

    Attributes:
        reader: Gives them.
        count: How many it gave.
        error: What was raised in making them, of which GDAL tells only the text.
    """

    def __init__(self, schema: pyarrow.Schema, batches: Iterator[pyarrow.RecordBatch]) -> None:
        self.count = 0
        self.error: BaseException | None = None
        self.reader = pyarrow.RecordBatchReader.from_batches(schema, self._counted(batches))

    def _counted(self, batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        try:
            for batch in _regrouped(batches):
                self.count += len(batch)
                yield batch
        except BaseException as error:  # also of Ctrl-C
            self.error = error
            raise


def _regrouped(batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """The same rows in batches of `BATCH`, each a transaction, of which a GeoPackage notes the number."""
    held: list[pyarrow.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if (count := sum(map(len, held))) >= BATCH:
            rows = pyarrow.concat_batches(held)
            full = count - count % BATCH
            yield from (rows.slice(begin, BATCH) for begin in range(0, full, BATCH))
            held = [rows.slice(full)]
    if any(map(len, held)):
        yield pyarrow.concat_batches(held)


def write_layer(
    path: Path,
    rows: Rows,
    form: PolygonFormat,
    source: str,
    crs: str | None,
    colours: Mapping[str, Colour],
) -> None:
    """Write rows as they come to the only layer of a file, which replaces `path` when it is complete.

    Args:
        path: Its stem is the name of the layer.
        rows: Polygons with their classes and areas.
        form: The format.
        source: What the polygons were made from (`polygon_files.source_of`).
        crs: Their reference system, see `written_crs`.
        colours: By name of the class, for the style of formats that have one; may be empty.

    Raises:
        LandcoverError: It cannot be written.
    """
    # In degrees, some polygons are cut into several parts.
    kind = "Unknown" if form.in_degrees else "Polygon"
    with replacing(path) as scratch, _fixed_time(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # the image has none either
        try:
            write_arrow(
                rows.reader,
                scratch,
                layer=path.stem,
                driver=form.driver,
                geometry_name="geometry",
                geometry_type=kind,
                crs=crs,
                **form.source_options(source),
            )
            if form.has_style and colours:
                add_style(scratch, colours)
        except (RuntimeError, sqlite3.Error) as error:  # RuntimeError: of which all errors of pyogrio are
            raise rows.error or write_error(path, error) from error
        if form.count(scratch) != rows.count:  # a full disk is not always reported
            raise write_error(path, OSError("what was written reads back otherwise"))


@contextmanager
def _fixed_time() -> Iterator[None]:
    """Let GDAL note a fixed time in files."""
    before = {name: get_gdal_config_option(name) for name in _TIME}
    set_gdal_config_options(_TIME)
    try:
        yield
    finally:
        set_gdal_config_options(before)


def written_crs(crs: object) -> str | None:
    """A reference system as GDAL takes it."""
    if not crs:
        return None
    system = CRS.from_user_input(crs)
    code = system.to_epsg()
    text: str = f"EPSG:{code}" if code else system.to_wkt("WKT1_GDAL")
    return text
