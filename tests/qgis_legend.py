"""What QGIS shows of files when it opens them: run with the Python of QGIS (`qgis_legend` does), not with ours."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

PYTHON = "/usr/bin/python3"  # PyQGIS comes with the system's Python


@cache
def has_qgis() -> bool:
    """Whether PyQGIS is installed."""
    try:
        return not subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True, timeout=60).returncode
    except OSError:
        return False


def qgis_legend(file: Path, picture: Path) -> list[str]:
    """The labels of the legend that QGIS gives to a raster or a vector file, whose layout it renders as a PNG."""
    environment = {"PATH": os.environ["PATH"], "QT_QPA_PLATFORM": "offscreen", "HOME": str(picture.parent)}
    command = [PYTHON, __file__, str(file), str(picture)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _main(file: str, picture: str) -> None:
    from qgis.core import (
        QgsApplication,
        QgsLayerTreeLayer,
        QgsLayoutExporter,
        QgsLayoutItemLegend,
        QgsLayoutItemMap,
        QgsMapLayerLegend,
        QgsPrintLayout,
        QgsProject,
        QgsRasterLayer,
        QgsVectorLayer,
    )
    from qgis.PyQt.QtCore import QRectF

    application = QgsApplication([], False)
    application.initQgis()
    is_raster = file.endswith(".tif")
    layer = QgsRasterLayer(file, "map") if is_raster else QgsVectorLayer(file, "polygons", "ogr")
    assert layer.isValid()
    legends = QgsMapLayerLegend
    legend = legends.defaultRasterLegend(layer) if is_raster else legends.defaultVectorLegend(layer)
    nodes = legend.createLayerTreeModelLegendNodes(QgsLayerTreeLayer(layer))

    QgsProject.instance().addMapLayer(layer)
    layout = QgsPrintLayout(QgsProject.instance())
    layout.initializeDefaults()
    shown = QgsLayoutItemMap(layout)
    shown.attemptSetSceneRect(QRectF(10, 10, 180, 190))
    shown.zoomToExtent(layer.extent())
    layout.addLayoutItem(shown)
    drawn = QgsLayoutItemLegend(layout)
    layout.addLayoutItem(drawn)
    drawn.attemptSetSceneRect(QRectF(200, 10, 90, 100))
    drawn.adjustBoxSize()
    settings = QgsLayoutExporter.ImageExportSettings()
    settings.dpi = 80
    assert QgsLayoutExporter(layout).exportToImage(picture, settings) == QgsLayoutExporter.Success
    print(json.dumps([node.data(0) for node in nodes]), flush=True)
    os._exit(0)  # PyQGIS may crash while Python takes it down


if __name__ == "__main__":
    _main(*sys.argv[1:])
