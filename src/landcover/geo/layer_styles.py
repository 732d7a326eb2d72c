"""The style that QGIS gives to a layer of polygons by itself: a row of the table layer_styles of a GeoPackage."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import SubElement

from landcover.classes.colours import Colour
from landcover.geo.legends import symbology

_TABLE = """\
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT CURRENT_TIMESTAMP
)
"""  # as QGIS makes it
_CONTENTS = """\
INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)
SELECT 'layer_styles', 'attributes', 'layer_styles', last_change FROM gpkg_contents LIMIT 1
"""
_STYLE = """\
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML,
    useAsDefault, description, update_time)
SELECT '', '', layers.table_name, layers.column_name, 'classes', ?, 1, 'Colours of the classes', contents.last_change
FROM gpkg_geometry_columns AS layers JOIN gpkg_contents AS contents USING (table_name)
"""


def add_style(path: Path, colours: Mapping[str, Colour]) -> None:
    """Give the only layer of a GeoPackage a style by which QGIS draws polygons in the colours of their classes.

    Args:
        path: A GeoPackage without styles, whose layer has a column `class` of names.
        colours: By name of the class, in the order of the legend.

    Raises:
        sqlite3.Error: It cannot be written.
    """
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(_TABLE)
        file.execute(_CONTENTS)
        file.execute(_STYLE, (_style(colours),))


def _style(colours: Mapping[str, Colour]) -> str:
    qgis = symbology()
    renderer = SubElement(qgis, "renderer-v2", type="categorizedSymbol", attr="class", symbollevels="0")
    categories, symbols = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    for number, (name, colour) in enumerate(colours.items()):
        SubElement(categories, "category", value=name, label=name, symbol=str(number), render="true", type="string")
        symbol = SubElement(symbols, "symbol", type="fill", name=str(number), alpha="1")
        layer = SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0"})
        options = SubElement(layer, "Option", type="Map")
        red, green, blue = colour
        # No outlines: around many small polygons they would hide the colours.
        for key, value in (("color", f"{red},{green},{blue},255"), ("style", "solid"), ("outline_style", "no")):
            SubElement(options, "Option", name=key, value=value, type="QString")
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ElementTree.tostring(
        qgis, encoding="unicode"
    )
