"""Files beside a map that say in a GIS what its labels mean: a style for QGIS, and an attribute table for GDAL."""

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from landcover.classes.class_table import ClassTable
from landcover.classes.colours import hex_colour
from landcover.system.errors import warn
from landcover.system.files import replacing

_OURS = "<!-- Written by landcover. A style that QGIS has saved lacks this line, and is kept. -->"
_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
_QGIS = "3.22"  # the oldest version in which the style was tried
_COLUMNS = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
"""Name, type (GDALRATFieldType) and usage (GDALRATFieldUsage) of the columns of the attribute table."""


def legend_files(path: Path) -> list[Path]:
    """Return the files beside a map that `write_legend` writes: `NAME.qml` and `NAME.tif.aux.xml`."""
    return [path.with_suffix(".qml"), path.with_name(f"{path.name}.aux.xml")]


def write_legend(path: Path, classes: ClassTable) -> None:
    """Write the files by which a GIS shows a map with the names and the colours of its classes.

    QGIS applies `NAME.qml` to `NAME.tif` by itself. GDAL reads the names and the attribute table in `NAME.tif.aux.xml`.
    Pixels without data, `UNKNOWN`, are transparent and in neither. The files are replaced one by one, each when it is
    complete; a style that this program did not write, such as one saved in QGIS, is kept, and a warning says so.

    Args:
        path: Of the map, which need not exist yet: written before it, they are there as soon as it is.
        classes: Names and colours by label.

    Raises:
        LandcoverError: A file cannot be written.
    """
    style, table = legend_files(path)
    if _may_be_replaced(style):
        with replacing(style) as scratch:
            scratch.write_text(f"{_DOCTYPE}\n{_OURS}\n{_text(_style(classes))}", encoding="utf-8", newline="\n")
    else:
        warn(f"{style}: not written by this program, and kept. Remove it to see the map in its classes' colours.")
    with replacing(table) as scratch:  # what GDAL noted there about an older map, such as statistics, goes
        scratch.write_text(_text(_table(classes)), encoding="utf-8", newline="\n")


def _may_be_replaced(style: Path) -> bool:
    if not style.is_file():
        return True
    with style.open("rb") as file:
        return _OURS.encode() in file.read(len(_DOCTYPE) + len(_OURS) + 2)


def symbology() -> Element:
    """The root of a style of QGIS that only says how a layer is drawn."""
    return Element("qgis", version=_QGIS, styleCategories="Symbology")


def _style(classes: ClassTable) -> Element:
    """A style of QGIS for a raster of one band: an entry of the palette for each class."""
    qgis = symbology()
    renderer = SubElement(SubElement(qgis, "pipe"), "rasterrenderer", type="paletted", band="1", opacity="1")
    renderer.attrib |= {"alphaBand": "-1", "nodataColor": ""}
    palette = SubElement(renderer, "colorPalette")
    for label, (name, colour) in enumerate(classes.colours.items()):
        SubElement(palette, "paletteEntry", value=str(label), label=name, color=hex_colour(colour), alpha="255")
    return qgis


def _table(classes: ClassTable) -> Element:
    """Metadata of GDAL for the band of a map: the names of the classes, and a raster attribute table."""
    dataset = Element("PAMDataset")
    band = SubElement(dataset, "PAMRasterBand", band="1")
    names = SubElement(band, "CategoryNames")
    for name in classes.names:
        SubElement(names, "Category").text = name
    table = SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for index, (title, kind, usage) in enumerate(_COLUMNS):
        column = SubElement(table, "FieldDefn", index=str(index))
        for tag, value in (("Name", title), ("Type", kind), ("Usage", usage)):
            SubElement(column, tag).text = str(value)
    for label, (name, colour) in enumerate(classes.colours.items()):
        row = SubElement(table, "Row", index=str(label))
        for cell in (label, name, *colour):
            SubElement(row, "F").text = str(cell)
    return dataset


def _text(root: Element) -> str:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"
