import json
import shutil
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from conftest import write_geotiff as write_image
from PIL import Image
from qgis_legend import has_qgis, qgis_legend

from landcover.classes.class_table import DEEPGLOBE, UNKNOWN, ClassTable
from landcover.geo.geotiff import write_cog, write_geotiff
from landcover.geo.legends import legend_files, write_legend
from landcover.geo.polygons import write_polygons
from landcover.rasters.raster import open_raster
from landcover.system.errors import LandcoverError

ODD = ClassTable({'<"&> ü': (1, 2, 3), "it's water": (4, 5, 6)})


def write_map(folder, write=write_geotiff, table=DEEPGLOBE, name="a_mask.tif"):
    write_image(folder / "a.tif", np.zeros((3, 60, 80), np.uint8))
    labels = np.arange(80, dtype=np.uint8)[None].repeat(60, 0) % len(table)
    labels[:20, :20] = UNKNOWN
    with open_raster(folder / "a.tif") as raster:
        write(folder / name, [labels], raster, table, {})
    return folder / name


@pytest.mark.skipif(not has_qgis(), reason="PyQGIS is not installed")
@pytest.mark.parametrize("write", [write_geotiff, write_cog])
def test_qgis_shows_a_map_with_the_names_of_its_classes(tmp_path, write):
    path = write_map(tmp_path, write)
    assert qgis_legend(path, tmp_path / "legend.png")[1:] == DEEPGLOBE.names  # the first is the band
    colours = {colour for _, colour in Image.open(tmp_path / "legend.png").convert("RGB").getcolors(1 << 20)}
    assert colours >= set(DEEPGLOBE.colours.values())


@pytest.mark.skipif(not has_qgis(), reason="PyQGIS is not installed")
def test_qgis_shows_polygons_with_the_names_of_their_classes(tmp_path):
    write_polygons(tmp_path / "a.gpkg", write_map(tmp_path))
    assert qgis_legend(tmp_path / "a.gpkg", tmp_path / "legend.png") == DEEPGLOBE.names
    colours = {colour for _, colour in Image.open(tmp_path / "legend.png").convert("RGB").getcolors(1 << 20)}
    assert colours >= set(DEEPGLOBE.colours.values())


@pytest.mark.skipif(not shutil.which("gdalinfo"), reason="gdalinfo is not installed")
@pytest.mark.parametrize("write", [write_geotiff, write_cog])
def test_gdal_reads_names_and_colours_in_an_attribute_table(tmp_path, write):
    path = write_map(tmp_path, write)
    done = subprocess.run(["gdalinfo", "-json", path], capture_output=True, text=True, check=True)
    information = json.loads(done.stdout)
    assert information["bands"][0]["categories"] == DEEPGLOBE.names
    fields, rows = information["rat"]["fieldDefn"], information["rat"]["row"]
    assert [(field["name"], field["usage"]) for field in fields] == [
        *(("Value", 5), ("Class", 2)),
        *(("Red", 6), ("Green", 7), ("Blue", 8)),
    ]
    assert [tuple(row["f"]) for row in rows] == [
        (label, name, *colour) for label, (name, colour) in enumerate(DEEPGLOBE.colours.items())
    ]


def test_names_of_any_characters_are_in_both_files(tmp_path):
    write_legend(tmp_path / "a.tif", ODD)
    style, table = (ElementTree.parse(path) for path in legend_files(tmp_path / "a.tif"))
    assert [entry.get("label") for entry in style.iter("paletteEntry")] == ODD.names
    assert [row[1].text for row in table.iter("Row")] == ODD.names


def test_the_legend_of_another_map_is_replaced_with_the_map(tmp_path):
    path = write_map(tmp_path, table=ODD)
    legend_files(path)[1].write_text("<PAMDataset><Metadata><MDI key='STATISTICS'>old</MDI></Metadata></PAMDataset>")
    write_map(tmp_path)
    write_map(tmp_path, name="other.tif")
    for mine, others in zip(legend_files(path), legend_files(tmp_path / "other.tif"), strict=True):
        assert mine.read_bytes() == others.read_bytes()


def test_a_style_that_somebody_else_made_is_kept_and_a_warning_says_so(tmp_path, capsys):
    style = tmp_path / "a_mask.qml"
    style.write_text("<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis/>")
    before = style.read_bytes()
    write_map(tmp_path)
    assert style.read_bytes() == before
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {style}: not written by this program, and kept.")


@pytest.mark.parametrize("number", [0, 1])
def test_without_its_legend_there_is_no_map(tmp_path, number):
    legend_files(tmp_path / "a_mask.tif")[number].mkdir()
    with pytest.raises(LandcoverError, match="cannot be written"):
        write_map(tmp_path)
    assert not (tmp_path / "a_mask.tif").exists()


def test_a_map_reads_the_same_with_and_without_its_legend(tmp_path):
    path = write_map(tmp_path)
    with rasterio.open(path) as file:
        before = file.read(), file.tags(), file.colormap(1), file.descriptions, file.nodata
    for one in legend_files(path):
        one.unlink()
    with rasterio.open(path) as file:
        after = file.read(), file.tags(), file.colormap(1), file.descriptions, file.nodata
    assert (before[0] == after[0]).all()
    assert before[1:] == after[1:]
