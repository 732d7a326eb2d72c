import numpy as np
import pytest
import rasterio
from PIL import Image

from landcover.classes.class_table import UNKNOWN
from landcover.classes.code_table import CodeTable
from landcover.rasters.masks import MaskFormat
from landcover.system.errors import LandcoverError

VALUES = np.array([[1, 2, 3], [3, 0, 1]])
LABELS = [[0, 1, 2], [2, UNKNOWN, 0]]


@pytest.fixture
def codes(classes):
    return MaskFormat(classes, CodeTable(classes, {"urban": [1], "forest": [2], "water": [3], "unknown": [0]}))


def write_tiff(path, values, nodata=None):
    profile = {"driver": "GTiff", "height": 2, "width": 3, "count": 1, "dtype": values.dtype, "nodata": nodata}
    with rasterio.open(path, "w", **profile) as file:
        file.write(values, 1)
    return path


@pytest.mark.parametrize("kind", ["grey", "palette", "transparent", "few bits", "16 bits"])
def test_codes_in_a_png_are_its_values_whatever_they_look_like(codes, tmp_path, kind):
    image = Image.fromarray(VALUES.astype(np.uint16 if kind == "16 bits" else np.uint8))
    options = {}
    if kind in ("palette", "transparent", "few bits"):
        image = image.convert("P")
        image.putdata(VALUES.ravel().tolist())
        image.putpalette([9, 9, 9, 255, 0, 0, 0, 255, 0, 0, 0, 255])
        options = {"transparent": {"transparency": 1}, "few bits": {"bits": 2}}.get(kind, {})
    image.save(tmp_path / "a.png", **options)
    labels, off_palette = codes.read(tmp_path / "a.png")
    assert labels.tolist() == LABELS
    assert off_palette.total == 0
    assert codes.size(tmp_path / "a.png") == (2, 3)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32"])
def test_codes_in_a_tiff_of_any_whole_numbers(codes, tmp_path, dtype):
    path = write_tiff(tmp_path / "a.tif", VALUES.astype(dtype))
    assert codes.read(path)[0].tolist() == LABELS
    assert codes.size(path) == (2, 3)


def test_nodata_is_unknown_and_not_off_palette(codes, tmp_path):
    values = np.where(VALUES == 2, 99, VALUES).astype(np.uint8)
    labels, off_palette = codes.read(write_tiff(tmp_path / "a.tif", values, nodata=99))
    assert labels.tolist() == [[0, UNKNOWN, 2], [2, UNKNOWN, 0]]
    assert off_palette.total == 0


def test_a_nodata_value_that_is_a_code_is_refused(codes, tmp_path):
    path = write_tiff(tmp_path / "a.tif", VALUES.astype(np.uint8), nodata=3)
    with pytest.raises(LandcoverError, match=r"a\.tif: its nodata value 3 is also a code in `classes`"):
        codes.read(path)


def test_codes_of_no_class_are_named_with_their_counts(codes, tmp_path):
    path = write_tiff(tmp_path / "a.tif", (VALUES * 10).astype(np.uint8))
    _, off_palette = codes.read(path)
    with pytest.raises(LandcoverError) as error:
        codes.check(path, off_palette, 0.5)
    assert str(error.value) == (
        f"{path}: 83.33% of the pixels have codes of no class: 10 (2), 30 (2), 20 (1). "
        "Add them to `classes` or raise `max_off_palette`."
    )


def test_masks_of_the_other_kind_are_told_apart(codes, classes, tmp_path):
    Image.fromarray(classes.encode(np.array([[0, 1]]))).save(tmp_path / "rgb.png")
    with pytest.raises(LandcoverError, match=r"rgb\.png: 3 bands, but a mask of codes has one.*`masks` to colours"):
        codes.read(tmp_path / "rgb.png")
    write_tiff(tmp_path / "float.tif", VALUES.astype(np.float32))
    with pytest.raises(LandcoverError, match=r"float\.tif: pixels of type float32, but codes are whole numbers"):
        codes.read(tmp_path / "float.tif")
    Image.fromarray(VALUES.astype(np.uint8)).save(tmp_path / "grey.png")
    colours = MaskFormat(classes)
    _, off_palette = colours.read(tmp_path / "grey.png")
    with pytest.raises(LandcoverError, match=r"If these are codes of classes, not colours, set `masks` to codes\."):
        colours.check(tmp_path / "grey.png", off_palette, 0.001)
