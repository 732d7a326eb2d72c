"""Finished blocks as one raster for GDAL and QGIS: a VRT, which refers to their files by relative paths."""

from collections.abc import Iterator, Mapping
from typing import Any, TextIO
from xml.sax.saxutils import escape

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.geo.geotiff import BLOCK_SIDE
from landcover.scale.block_files import CONFIDENCE, LABELS, PARTIAL, BlockFiles
from landcover.scale.block_folder import MOSAIC, Found
from landcover.scale.blocks import BlockGrid


def write_mosaic(files: BlockFiles, grid: BlockGrid, place: Mapping[str, Any], classes: ClassTable) -> int:
    """Write `mosaic.vrt`, and `mosaic_confidence.vrt` if there is such a layer; return the number of blocks in it.

    Args:
        files: Of the blocks. Those that are not there have no data.
        grid: Of the scene.
        place: Of the scene, see `place.find_place`. A scene that is placed by control points has no place here.
        classes: Names and colours of the labels.
    """
    count = 0
    for layer in (LABELS, CONFIDENCE):
        if layer == LABELS or layer in files.layers:
            name = f"{MOSAIC}.vrt" if layer == LABELS else f"{MOSAIC}_{layer}.vrt"
            scratch = files.folder / f"{PARTIAL}{name}"
            with scratch.open("w", encoding="utf-8") as file:
                count = _write(file, files, grid, place, classes if layer == LABELS else None, layer)
            scratch.replace(files.folder / name)
    return count


def _write(
    file: TextIO,
    files: BlockFiles,
    grid: BlockGrid,
    place: Mapping[str, Any],
    classes: ClassTable | None,
    layer: str,
) -> int:
    """Write line by line: there may be many blocks."""
    file.write(f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">\n')
    if "transform" in place:
        if place["crs"]:
            file.write(f"<SRS>{escape(place['crs'].to_wkt())}</SRS>\n")
        file.write(f"<GeoTransform>{', '.join(map(repr, place['transform'].to_gdal()))}</GeoTransform>\n")
    file.write('<VRTRasterBand dataType="Byte" band="1">\n')
    file.write(f"<NoDataValue>{UNKNOWN if classes else 0}</NoDataValue>\n")
    file.writelines(_colours(classes) if classes else ["<ColorInterp>Gray</ColorInterp>\n"])
    count, found = 0, Found(files, grid, layer)
    for block in (block for block in grid if block in found):
        count += 1
        height, width = block.size
        region = block.region
        size = f'xSize="{width}" ySize="{height}"'
        file.write(
            f'<SimpleSource><SourceFilename relativeToVRT="1">{files.path(block, layer).name}</SourceFilename>'
            f"<SourceBand>1</SourceBand>"
            f'<SourceProperties RasterXSize="{width}" RasterYSize="{height}" DataType="Byte" '
            f'BlockXSize="{BLOCK_SIDE}" BlockYSize="{BLOCK_SIDE}"/>'
            f'<SrcRect xOff="0" yOff="0" {size}/>'
            f'<DstRect xOff="{region.left}" yOff="{region.top}" {size}/></SimpleSource>\n'
        )
    file.write("</VRTRasterBand>\n</VRTDataset>\n")
    return count


def _colours(classes: ClassTable) -> Iterator[str]:
    yield "<ColorInterp>Palette</ColorInterp>\n<ColorTable>\n"
    for red, green, blue in classes.palette.tolist():
        yield f'<Entry c1="{red}" c2="{green}" c3="{blue}" c4="255"/>\n'
    yield "</ColorTable>\n<CategoryNames>\n"
    yield from (f"<Category>{escape(name)}</Category>\n" for name in classes.names)
    yield "</CategoryNames>\n"
