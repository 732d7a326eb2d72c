"""How labels on the ground become those of pixels. Imports neither rasterio nor geopandas."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from landcover.classes.class_table import ClassTable

VECTOR_SUFFIXES = (".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".shp")
"""Suffixes of files of polygons or points."""

RASTER_SUFFIXES = (".tif", ".tiff", ".vrt", ".jp2", ".png", ".img")
"""Suffixes of rasters of labels in a folder."""

BURN = ("centre", "touched")
"""Which pixels belong to a polygon: those whose centre lies in it, or all that it touches."""

OVERLAP = ("later", "smaller")
"""Where polygons overlap, which one counts: the later row of the layer, or the smaller polygon."""

RESAMPLE = ("nearest", "majority")
"""What a raster gives a pixel of another grid: the class under its centre, or the most frequent one in it."""


@dataclass(frozen=True)
class LabelOptions:
    """How labels on the ground become those of pixels.

    Attributes:
        classes: Names and colours; their order is that of the label indices.
        codes: Values that mean a class in the column or raster, by its name, the ignored class among them; in a column
            its name also means it.
        column: Of polygons and points, the one with the class.
        burn: One of `BURN`.
        overlap: One of `OVERLAP`.
        points: Side in pixels of the square around a point that has its class, odd.
        masks: What the pixels of rasters are: `colours` of the table, or `codes`.
        resample: One of `RESAMPLE`.
        rest: Class of the pixels that no polygon and no point covers, within the areas of interest; None for unknown.
        max_off_palette: Largest allowed share (0..1) of labelled pixels with a code or colour of no class.
    """

    classes: ClassTable
    codes: Mapping[str, tuple[int | str, ...]] = field(default_factory=dict)
    column: str = "class"
    burn: str = "centre"
    overlap: str = "later"
    points: int = 1
    masks: str = "codes"
    resample: str = "nearest"
    rest: str | None = None
    max_off_palette: float = 0.001
