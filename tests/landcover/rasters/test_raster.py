import os

import numpy as np
import pytest
import rasterio
from conftest import write_geotiff
from PIL import Image
from rasterio.enums import ColorInterp

from landcover.images.image_files import read_rgb
from landcover.rasters.raster import open_raster
from landcover.rasters.stretching import STRETCH
from landcover.system.errors import LandcoverError


def noise(bands, height, width, dtype=np.uint8, top=256):
    return np.random.default_rng(0).integers(top, size=(bands, height, width)).astype(dtype)


def read(path, **options):
    with open_raster(path, **options) as raster:
        return raster.read(0, raster.height)


def test_rows_are_those_of_the_whole_image(tmp_path):
    pixels = write_geotiff(tmp_path / "a.tif", noise(3, 37, 21))
    with open_raster(tmp_path / "a.tif") as raster:
        assert (raster.height, raster.width, raster.bands, raster.limits) == (37, 21, [1, 2, 3], None)
        bands = [raster.read(top, min(top + 10, 37)) for top in range(0, 37, 10)]
        assert raster.valid_mask(0, 37) is None
    assert (np.concatenate(bands) == pixels.transpose(1, 2, 0)).all()


@pytest.mark.parametrize(
    ("count", "asked", "taken"),
    [(1, None, [0, 0, 0]), (3, None, [0, 1, 2]), (4, None, [0, 1, 2]), (4, [4, 3, 2], [3, 2, 1]), (5, [5], [4, 4, 4])],
)
def test_the_first_three_of_up_to_four_8_bit_bands_are_taken_unless_others_are_asked_for(tmp_path, count, asked, taken):
    pixels = write_geotiff(tmp_path / "a.tif", noise(count, 9, 7))
    assert (read(tmp_path / "a.tif", bands=asked) == pixels[taken].transpose(1, 2, 0)).all()


def test_bands_that_say_which_colour_they_are_need_no_order(tmp_path):
    pixels = write_geotiff(tmp_path / "a.tif", noise(4, 9, 7))
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.colorinterp = [ColorInterp.undefined, ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    assert (read(tmp_path / "a.tif") == pixels[[3, 2, 1]].transpose(1, 2, 0)).all()


def test_numbers_of_a_palette_become_its_colours(tmp_path):
    image = Image.fromarray(noise(1, 9, 7, top=4)[0], "P")
    image.putpalette([0, 0, 0, 250, 0, 1, 0, 120, 0, 3, 4, 5])
    image.save(tmp_path / "a.tif")
    assert (read(tmp_path / "a.tif") == np.asarray(image.convert("RGB"))).all()


def test_numbers_of_a_palette_may_have_16_bits_and_are_not_stretched(tmp_path):
    colours = {number * 1000: (number, 2 * number, 255, 255) for number in range(5)}
    numbers = np.random.default_rng(0).choice(list(colours), (1, 9, 7)).astype(np.uint16)
    write_geotiff(tmp_path / "a.tif", numbers, photometric="palette")
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.write_colormap(1, colours)
    with open_raster(tmp_path / "a.tif") as raster:
        assert raster.read(0, 9).tolist() == [[list(colours[number][:3]) for number in row] for row in numbers[0]]
        assert raster.limits is None
    with pytest.raises(LandcoverError, match=r"a\.tif: its pixels are indices into a palette\. Remove --stretch\."):
        read(tmp_path / "a.tif", stretch=(2, 98))


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint32, np.float32])
@pytest.mark.parametrize("asked", ["image", (10, 90)])
def test_pixels_of_other_types_are_stretched_between_percentiles_of_each_band(tmp_path, dtype, asked):
    pixels = write_geotiff(
        tmp_path / "a.tif",
        noise(3, 50, 40, dtype, 3000) * np.array([1, 2, 4], dtype)[:, None, None],
        photometric="rgb",
    )
    with open_raster(tmp_path / "a.tif", stretch=asked) as raster:
        percentiles = STRETCH if asked == "image" else asked
        assert raster.stretch == percentiles
        assert np.allclose(raster.limits, [np.percentile(band, percentiles) for band in pixels])
        rgb = raster.read(0, 50).transpose(2, 0, 1).astype(int)
    for band, stretched, (low, high) in zip(pixels.astype(float), rgb, raster.limits, strict=True):
        assert (stretched[band <= low] == 0).all()
        assert (stretched[band >= high] == 255).all()
        middle = (band > low) & (band < high)
        assert np.abs(stretched[middle] - 255 * (band[middle] - low) / (high - low)).max() <= 0.51


def test_8_bit_pixels_are_stretched_only_if_that_is_asked_for(tmp_path):
    pixels = write_geotiff(tmp_path / "a.tif", noise(3, 50, 40, top=100))
    assert (read(tmp_path / "a.tif") == pixels.transpose(1, 2, 0)).all()
    assert read(tmp_path / "a.tif", stretch=(0, 100)).max() == 255


def test_a_band_of_one_value_and_one_without_data_can_be_stretched(tmp_path):
    write_geotiff(tmp_path / "a.tif", np.full((3, 5, 6), 700, np.uint16), photometric="rgb")
    assert set(np.unique(read(tmp_path / "a.tif", stretch="image"))) <= {0, 255}
    write_geotiff(tmp_path / "b.tif", np.full((3, 5, 6), 700, np.uint16), nodata=700, photometric="rgb")
    assert read(tmp_path / "b.tif", stretch="image").shape == (5, 6, 3)


def test_percentiles_are_those_of_the_pixels_that_have_data(tmp_path):
    pixels = noise(3, 50, 40, np.uint16, 3000) + 1000
    pixels[:, :20] = 0
    write_geotiff(tmp_path / "a.tif", pixels, nodata=0, photometric="rgb")
    with open_raster(tmp_path / "a.tif", stretch=(0, 100)) as raster:
        assert np.allclose(raster.limits, [(band[20:].min(), band[20:].max()) for band in pixels])


def test_pixels_are_unknown_where_no_band_has_data(tmp_path):
    pixels = noise(3, 9, 7) | 1
    pixels[:, 2, 3] = 0
    pixels[:2, 4, 5] = 0  # dark, but there
    write_geotiff(tmp_path / "a.tif", pixels, nodata=0)
    with open_raster(tmp_path / "a.tif") as raster:
        unknown = ~np.concatenate([raster.valid_mask(0, 4), raster.valid_mask(4, 9)])
    assert np.argwhere(unknown).tolist() == [[2, 3]]


def test_pixels_are_unknown_where_alpha_is_zero(tmp_path):
    pixels = noise(4, 9, 7)
    pixels[3] = 255
    pixels[3, :, 6] = 0
    write_geotiff(tmp_path / "a.tif", pixels, photometric="rgb", alpha="yes")
    with open_raster(tmp_path / "a.tif") as raster:
        assert (raster.valid_mask(0, 9) == (pixels[3] > 0)).all()
        assert raster.bands == [1, 2, 3]


def test_a_fourth_band_that_only_gdal_calls_alpha_masks_nothing(tmp_path):
    pixels = write_geotiff(tmp_path / "a.tif", noise(4, 30, 30))
    assert (pixels[3] == 0).any()
    with open_raster(tmp_path / "a.tif") as raster:
        assert raster.dataset.colorinterp[3] == ColorInterp.alpha
        assert raster.valid_mask(0, 30) is None


def test_an_alpha_band_that_is_taken_for_a_colour_masks_nothing(tmp_path):
    pixels = write_geotiff(tmp_path / "a.tif", noise(4, 30, 30), photometric="rgb", alpha="yes")
    assert (pixels[3] == 0).any()
    with open_raster(tmp_path / "a.tif", bands=[4, 3, 2]) as raster:
        assert raster.valid_mask(0, 30) is None


def test_where_a_file_has_alpha_and_nodata_nodata_decides(tmp_path, recwarn):
    pixels = noise(4, 30, 30)
    pixels[:, 0, 0] = 0
    write_geotiff(tmp_path / "a.tif", pixels, photometric="rgb", alpha="yes", nodata=0)
    with open_raster(tmp_path / "a.tif") as raster:
        assert np.argwhere(~raster.valid_mask(0, 30)).tolist() == [[0, 0]]
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_no_finite_number_is_no_data_and_reads_as_the_median_of_its_band(tmp_path, dtype):
    pixels = noise(3, 9, 7, dtype)
    nothing = [np.nan, np.inf, -np.inf]
    for column, value in enumerate(nothing):
        pixels[:, 0, column] = value
        pixels[column, 2:5, column] = nothing  # in one band only: there is data, though not all
    write_geotiff(tmp_path / "a.tif", pixels, photometric="rgb")
    with open_raster(tmp_path / "a.tif", stretch="image") as raster:
        rgb = raster.read(0, 9).transpose(2, 0, 1)
        assert np.argwhere(~raster.valid_mask(0, 9)).tolist() == [[0, 0], [0, 1], [0, 2]]
    for band, values in zip(rgb, pixels, strict=True):
        numbers = values[np.isfinite(values)]
        low, median, high = np.percentile(numbers, (2, 50, 98))
        expected = ((median - low) / (high - low) * 255).round()
        assert (np.abs(band[~np.isfinite(values)] - expected) <= 1).all()


@pytest.mark.parametrize(
    ("offset", "span", "dtype"),
    [
        (0, 1e-20, np.float32),
        (0, 1e30, np.float32),
        (0, 1e-300, np.float64),
        (0, 1e-320, np.float64),
        (1e6, 1e-7, np.float64),
        (-5, 1e-12, np.float64),
        (0, 1, np.float32),
    ],
)
def test_floats_of_any_range_fill_all_8_bits(tmp_path, offset, span, dtype):
    shares = np.linspace(0, 1, 256).reshape(1, 16, 16)
    write_geotiff(tmp_path / "a.tif", (offset + span * shares).astype(dtype))
    grey = read(tmp_path / "a.tif", stretch=(0, 100))[..., 0]
    assert (grey.min(), grey.max()) == (0, 255)
    assert np.abs(grey.ravel().astype(int) - np.arange(256)).max() <= 1


def test_floats_whose_range_is_beyond_their_type_can_be_stretched(tmp_path):
    write_geotiff(tmp_path / "a.tif", np.array([[[-1.7e308, 0, 1.7e308]]]))
    assert read(tmp_path / "a.tif", stretch=(0, 100))[0, :, 0].tolist() == [0, 128, 255]


def test_a_band_that_is_nearly_constant_has_two_values(tmp_path):
    pixels = np.full((1, 20, 20), 0.5, np.float32)
    pixels[0, 0, :3] = 0.4, 0.500001, 3e5
    write_geotiff(tmp_path / "a.tif", pixels)
    assert read(tmp_path / "a.tif", stretch="image")[0, :4, 0].tolist() == [0, 255, 255, 0]


@pytest.mark.parametrize("suffix", ["tif", "png"])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_pixels_of_few_bits_are_those_that_pillow_reads(tmp_path, bits, suffix):
    values = noise(1, 16, 24, top=2**bits)
    write_geotiff(tmp_path / "a.tif", values, nbits=bits, photometric="minisblack")
    path = tmp_path / f"a.{suffix}"
    if suffix == "png":
        Image.open(tmp_path / "a.tif").save(path)
    assert (read(path) == read_rgb(path)).all()
    assert (read(path)[..., 0] == values[0] * (255 // (2**bits - 1))).all()


def test_rgb_of_few_bits_has_white(tmp_path):
    values = write_geotiff(tmp_path / "a.tif", noise(3, 16, 24, top=16), nbits=4)
    assert (read(tmp_path / "a.tif") == values.transpose(1, 2, 0) * 17).all()


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda path: None, {}, r"a\.tif: not readable as an image \(No such file or directory\)\. Replace or remove"),
        (lambda path: path.write_bytes(b"no image"), {}, r"a\.tif: not readable as an image \(.*not recognized"),
        (lambda path: path.mkdir(), {}, r"a\.tif: not readable as an image \(no regular file\)"),
        (os.mkfifo, {}, r"a\.tif: not readable as an image \(no regular file\)"),
        (lambda path: write_geotiff(path, noise(3, 9, 7)), {"bands": [1, 2, 4]}, r"a\.tif: no band 4; it has 1 to 3\."),
        (
            lambda path: write_geotiff(path, noise(3, 9, 7, np.complex64)),
            {},
            r"a\.tif: its pixels are complex numbers\.",
        ),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(tmp_path, make, options, message):
    make(tmp_path / "a.tif")
    with pytest.raises(LandcoverError, match=message) as error:
        read(tmp_path / "a.tif", **options)
    assert "\n" not in str(error.value)
    assert str(error.value).count("a.tif") == 1


def test_a_file_that_is_cut_short_is_named_in_one_line(tmp_path):
    write_geotiff(tmp_path / "a.tif", noise(3, 200, 200), compress="deflate")
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(
        LandcoverError, match=r"a\.tif: not readable as an image \(.+\)\. Replace or remove it\."
    ) as error:
        read(tmp_path / "a.tif")
    assert "\n" not in str(error.value)
