import numpy as np
import pytest
import rasterio
from conftest import write_geotiff
from PIL import Image

from landcover.classes.class_table import DEEPGLOBE, UNKNOWN
from landcover.images.image_files import read_packed
from landcover.rasters.large_masks import open_large_mask
from landcover.scoring.mask_labels import count_pair
from landcover.system.errors import LandcoverError

TILED = {"tiled": True, "blockxsize": 32, "blockysize": 16, "compress": "deflate"}


def colours(seed=0):
    return np.random.default_rng(seed).integers(256, size=(50, 70, 3), dtype=np.uint8)


def strips(path, rows=17):
    with open_large_mask(path) as mask:
        parts = [mask.read(top, min(top + rows, mask.height)) for top in range(0, mask.height, rows)]
    return np.concatenate(parts)


def write_palette(path, labels, **options):
    size = {"height": labels.shape[0], "width": labels.shape[1], "count": 1, "dtype": "uint8", "nodata": UNKNOWN}
    with rasterio.open(path, "w", driver="GTiff", **size, **options) as file:
        file.write_colormap(1, dict(enumerate((*colour, 255) for colour in DEEPGLOBE.palette.tolist())))
        file.write(labels, 1)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_strips_are_what_pillow_reads(tmp_path, mode, compression):
    Image.fromarray(colours()).convert(mode).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(strips(tmp_path / "a.tif"), read_packed(tmp_path / "a.tif"))


@pytest.mark.parametrize("options", [{}, TILED, {"interleave": "band"}, {**TILED, "bigtiff": "yes"}])
def test_tiles_strips_and_planes_are_the_same(tmp_path, options):
    write_geotiff(tmp_path / "a.tif", colours().transpose(2, 0, 1), photometric="RGB", **options)
    np.testing.assert_array_equal(strips(tmp_path / "a.tif"), read_packed(tmp_path / "a.tif"))


@pytest.mark.parametrize("options", [{}, {"nbits": 1}, {"photometric": "MINISWHITE"}])
def test_greys_and_bits_are_what_pillow_reads(tmp_path, options):
    grey = colours()[None, :, :, 0] & (1 if "nbits" in options else 255)
    write_geotiff(tmp_path / "a.tif", grey, **options)
    np.testing.assert_array_equal(strips(tmp_path / "a.tif"), read_packed(tmp_path / "a.tif"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [{}, TILED])
def test_maps_of_this_program_are_counted_the_same_in_strips(tmp_path, options, monkeypatch):
    rng = np.random.default_rng(0)
    labels = rng.integers(7, size=(2, 700, 300), dtype=np.uint8)
    labels[labels == 6] = UNKNOWN
    write_palette(tmp_path / "truth.tif", labels[0], **options)
    write_palette(tmp_path / "map.tif", labels[1], **TILED)
    paths = tmp_path / "truth.tif", tmp_path / "map.tif"
    whole = count_pair(*paths, DEEPGLOBE, open_large_mask)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(LandcoverError, match="too many to be read as a whole"):
        count_pair(*paths, DEEPGLOBE)
    in_strips = count_pair(*paths, DEEPGLOBE, open_large_mask)
    np.testing.assert_array_equal(in_strips[0], whole[0])
    assert whole[0][6].sum() == (labels[0] == UNKNOWN).sum()
    assert in_strips[1:] == whole[1:]


@pytest.mark.filterwarnings("ignore")
def test_colours_of_no_class_are_counted_and_thresholded_in_strips_too(tmp_path, monkeypatch):
    Image.fromarray(colours()).save(tmp_path / "a.tif")
    Image.fromarray(colours(1)).save(tmp_path / "b.tif")
    whole = count_pair(tmp_path / "a.tif", tmp_path / "b.tif", DEEPGLOBE)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    in_strips = count_pair(tmp_path / "a.tif", tmp_path / "b.tif", DEEPGLOBE, open_large_mask)
    np.testing.assert_array_equal(in_strips[0], whole[0])
    assert in_strips[1].total == whole[1].total > 3000


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_pixels_of_more_than_8_bits_are_refused(tmp_path, kind):
    write_geotiff(tmp_path / "a.tif", colours().transpose(2, 0, 1).astype(kind))
    with pytest.raises(
        LandcoverError, match=r"a\.tif: not grey, .* \(bands: 3, of type (uint16|float32)\)\. Convert it to 8-bit RGB"
    ):
        strips(tmp_path / "a.tif")


def test_bands_that_are_not_colours_are_refused(tmp_path):
    write_geotiff(tmp_path / "a.tif", np.zeros((5, 9, 9), np.uint8), photometric="RGB")
    write_geotiff(tmp_path / "b.tif", np.zeros((3, 9, 9), np.uint8), photometric="MINISBLACK")
    for name in ("a.tif", "b.tif"):
        with pytest.raises(LandcoverError, match=rf"{name}: not grey, .* \(bands: \d, of type uint8\)"):
            strips(tmp_path / name)


def test_a_truncated_file_is_named(tmp_path):
    write_geotiff(tmp_path / "a.tif", colours().transpose(2, 0, 1), photometric="RGB", **TILED)
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:5000])
    with pytest.raises(LandcoverError, match=r"a\.tif: not readable as an image"):
        strips(tmp_path / "a.tif")
