"""Figures of the window of QGIS, taken in QGIS itself: docs/qgis_example.py starts it with this file.

The environment variable FIGURES names a JSON file with a list of figures:

    out       PNG to write
    extent    west, south, east, north of the map
    layers    from the top of the legend down: `path`; if wanted `opacity`, `classes` (of polygons: colour of each),
              `expression` (which rows are selected) and `editing`
    form      expression: the form of the first row that it selects, of the layer that is edited, is open
"""

import json
import os
import traceback
from pathlib import Path

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsMultiBandColorRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication, QDockWidget
from qgis.utils import iface

SIZE = (1180, 720)
WAIT = 2500  # milliseconds until all is drawn


def take(figures):
    """Take one figure after the other, then end."""
    if not figures:
        os._exit(0)  # without asking whether to save the project
    figure, *others = figures
    layers = [open_layer(**layer) for layer in figure["layers"]]
    QgsProject.instance().addMapLayers(layers)
    QgsProject.instance().setSelectionColor(QColor(255, 255, 255, 200))

    def arrange():
        tree = QgsProject.instance().layerTreeRoot()
        for layer, wanted in zip(layers, figure["layers"]):  # noqa: B905 (QGIS may bring an older Python)
            is_image = isinstance(layer.renderer(), QgsMultiBandColorRenderer)
            tree.findLayer(layer).setExpanded(not is_image)
            if "expression" in wanted:
                layer.selectByExpression(wanted["expression"])
            if wanted.get("editing"):
                iface.setActiveLayer(layer)
                layer.startEditing()
                iface.actionAddFeature().trigger()
        iface.mapCanvas().setExtent(QgsRectangle(*figure["extent"]))
        iface.mapCanvas().refresh()
        forms = []
        if "form" in figure:
            layer = iface.activeLayer()
            row = next(layer.getFeatures(QgsFeatureRequest().setFilterExpression(figure["form"])))
            before = set(QApplication.topLevelWidgets())
            iface.openFeatureForm(layer, row, False, False)
            forms = [each for each in QApplication.topLevelWidgets() if each not in before and each.isVisible()]
            for each in forms:
                each.adjustSize()
                each.move(SIZE[0] - each.width() - 20, SIZE[1] - each.height() - 60)
        QTimer.singleShot(WAIT, guarded(lambda: finish(forms)))

    def finish(forms):
        QApplication.primaryScreen().grabWindow(0, 0, 0, *SIZE).save(figure["out"])
        for form in forms:
            form.close()
        for layer in layers:
            if isinstance(layer, QgsVectorLayer) and layer.isEditable():
                layer.rollBack()
        QgsProject.instance().removeAllMapLayers()
        take(others)

    QTimer.singleShot(WAIT, guarded(arrange))


def open_layer(path, opacity=1.0, classes=None, **_):
    """A raster in its own style, or polygons in the colours of their classes and with a list of these in the form."""
    if not path.endswith(".gpkg"):
        layer = QgsRasterLayer(path, Path(path).stem)
        layer.setOpacity(opacity)
        return layer
    layer = QgsVectorLayer(path, Path(path).stem, "ogr")
    if classes:
        categories = []
        for name, colour in classes.items():
            fill = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + ",90"
            symbol = QgsFillSymbol.createSimple({"color": fill, "outline_color": colour, "outline_width": "0.6"})
            categories.append(QgsRendererCategory(name, symbol, name))
        layer.setRenderer(QgsCategorizedSymbolRenderer("class", categories))
        values = {"map": [{name: name} for name in classes]}
        layer.setEditorWidgetSetup(layer.fields().indexOf("class"), QgsEditorWidgetSetup("ValueMap", values))
    return layer


def guarded(step):
    """End QGIS at the first error, which nobody would see otherwise."""

    def guarded_step():
        try:
            step()
        except Exception:
            traceback.print_exc()
            os._exit(1)

    return guarded_step


def start():
    """Let the window have the same size and panels everywhere."""
    for dock in iface.mainWindow().findChildren(QDockWidget):
        dock.setVisible(dock.objectName() == "Layers")
    iface.mainWindow().setGeometry(0, 0, *SIZE)
    take(json.loads(Path(os.environ["FIGURES"]).read_text()))


QTimer.singleShot(WAIT, guarded(start))
