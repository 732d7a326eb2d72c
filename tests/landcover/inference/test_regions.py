import tracemalloc

import numpy as np
import pytest
import rasterio
import torch
from conftest import BACKBONE
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from landcover.images.image_spec import ImageSpec
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import label_strips
from landcover.inference.regions import Region
from landcover.inference.strips import ArrayStrips
from landcover.models.model_file import Model
from landcover.models.networks import Architecture, build
from landcover.rasters.raster import open_raster

FOUR = ImageSpec(("red", "green", "blue", "nir"), "float32", (0.4,) * 4, (0.2,) * 4)


@pytest.fixture(scope="module")
def networks():
    """A network for red, green and blue of 8 bits, and one for four bands of floats; both see all classes."""
    torch.manual_seed(0)
    made = [build(Architecture("fcn1s", BACKBONE), 3, **images).eval() for images in ({}, {"images": FOUR})]
    for network in made:
        torch.nn.init.normal_(network.decoder.pixel_score[-1].weight)
    return made


@pytest.fixture
def model(networks, classes):
    return Model(networks[0], classes, 1.0)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(256, size=(height, width, 3), dtype=np.uint8)


def labelled(model, image, options, region=None, *, with_probabilities=True):
    """Labels (H, W), confidence (H, W) and probabilities (C, H, W) or None."""
    confidence, probabilities = [], []
    keep = (lambda strip: probabilities.append(strip.copy())) if with_probabilities else None
    strips = label_strips(model, image, options, region=region, confidence=confidence.append, probabilities=keep)
    labels = np.concatenate(list(strips))
    return labels, np.concatenate(confidence), np.concatenate(probabilities, 1) if with_probabilities else None


def tiled(image, height, width):
    """Regions of a size that cover an image."""
    for top in range(0, image.height, height):
        for left in range(0, image.width, width):
            yield Region(top, min(top + height, image.height), left, min(left + width, image.width))


def check_regions_are_those_of_the_whole(model, image, options, *sides, **outputs):
    """Check that an image put together from regions is the image labelled as a whole, to the bit."""
    whole = labelled(model, image, options, **outputs)
    assert len(np.unique(whole[0])) > 1
    for side in sides:
        together = [np.empty_like(part) if part is not None else None for part in whole]
        for region in tiled(image, *side):
            for part, of_region in zip(together, labelled(model, image, options, region, **outputs), strict=True):
                if part is not None:
                    part[..., *region.inside] = of_region
        for part, expected in zip(together, whole, strict=True):
            assert part is None or part.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("scale", "window", "overlap"),
    [(1.0, 64, 0), (1.0, 64, 0.25), (1.0, 96, 0.5), (0.5, 64, 0.25), (0.7, 96, 0.5), (0.31, 64, 0)],
)
def test_regions_are_those_of_the_whole_image(model, classes, scale, window, overlap):
    model = Model(model.network, classes, scale)
    options = InferenceOptions(window=window, overlap=overlap)
    check_regions_are_those_of_the_whole(model, ArrayStrips(noise(117, 231)), options, (80, 100))


@pytest.mark.parametrize(("scale", "tta"), [(1.0, "flip"), (0.6, "flip"), (0.8, "d4")])
def test_regions_of_several_views_are_those_of_the_whole_image(model, classes, scale, tta):
    model = Model(model.network, classes, scale)
    options = InferenceOptions(window=64, tta=tta)
    check_regions_are_those_of_the_whole(model, ArrayStrips(noise(60, 101)), options, (60, 45))


@pytest.mark.parametrize("batch_size", [2, 8])
def test_regions_of_batches_of_windows_are_those_of_the_whole_image(model, batch_size):
    options = InferenceOptions(window=64, batch_size=batch_size)
    check_regions_are_those_of_the_whole(model, ArrayStrips(noise(60, 301)), options, (60, 110))


@pytest.mark.long
@pytest.mark.parametrize("scale", [1.0, 0.5, 0.7, 0.31])
@pytest.mark.parametrize("tta", ["none", "d4"])
@pytest.mark.parametrize(("window", "overlap"), [(64, 0), (64, 0.25), (96, 0.5), (64, 0.8)])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_regions_of_all_sizes_are_those_of_the_whole_image(model, classes, scale, tta, window, overlap, batch_size):
    model = Model(model.network, classes, scale)
    options = InferenceOptions(tta=tta, window=window, overlap=overlap, batch_size=batch_size)
    image = ArrayStrips(noise(147, 201))
    check_regions_are_those_of_the_whole(model, image, options, (73, 128), (147, 61), (30, 201))


@pytest.mark.parametrize("with_probabilities", [False, True])
@pytest.mark.parametrize(("scale", "tta"), [(1.0, "none"), (1.0, "flip"), (0.6, "none")])
def test_regions_of_an_image_of_one_window_are_those_of_the_whole(model, classes, scale, tta, with_probabilities):
    model, image, options = Model(model.network, classes, scale), ArrayStrips(noise(31, 47)), InferenceOptions(tta=tta)
    check_regions_are_those_of_the_whole(model, image, options, (31, 20), with_probabilities=with_probabilities)
    check_regions_are_those_of_the_whole(model, image, options, (16, 5), with_probabilities=with_probabilities)


def test_regions_of_single_pixels_are_those_of_the_whole(model):
    check_regions_are_those_of_the_whole(
        model, ArrayStrips(noise(5, 7)), InferenceOptions(), (1, 1), with_probabilities=False
    )


@pytest.mark.parametrize("size", [(1, 170), (170, 1), (65, 64), (64, 97)])
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_regions_of_narrow_images_are_those_of_the_whole(model, classes, size, scale):
    model = Model(model.network, classes, scale)
    check_regions_are_those_of_the_whole(model, ArrayStrips(noise(*size)), InferenceOptions(window=64), (50, 40))


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_regions_of_images_with_invalid_pixels_are_those_of_the_whole(networks, classes, scale):
    rng = np.random.default_rng(0)
    array = rng.random((120, 150, 4), np.float32)
    array[30:50, 20:90, 1] = np.nan
    valid = np.ones((120, 150), bool)
    valid[:, 100:] = rng.random((120, 50)) > 0.5
    model = Model(networks[1], classes, scale)
    for image in (ArrayStrips(array, FOUR, valid), ArrayStrips(np.asfortranarray(array), FOUR)):
        check_regions_are_those_of_the_whole(model, image, InferenceOptions(window=64), (45, 70))


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_regions_of_rasters_are_those_of_the_whole(networks, classes, scale, tmp_path):
    profile = {"driver": "GTiff", "height": 130, "width": 147, "crs": "EPSG:32632", "tiled": True}
    place = {"transform": from_origin(600000, 5000000, 10, 10), "blockxsize": 64, "blockysize": 64}
    rng = np.random.default_rng(0)
    with rasterio.open(tmp_path / "a.tif", "w", count=4, dtype="float32", nodata=-9, **profile, **place) as file:
        pixels = rng.random((4, 130, 147), np.float32)
        pixels[2, 40:70, 50:80] = -9
        pixels[1, 100:, 20:30] = np.nan
        file.write(pixels)
        for band, name in enumerate(FOUR.bands, 1):
            file.set_band_description(band, name)
    with rasterio.open(tmp_path / "b.tif", "w", count=4, dtype="uint16", **profile, **place) as file:
        file.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
        file.write(rng.integers(1, 4000, (3, 130, 147), np.uint16), [1, 2, 3])
        file.write(np.where(np.arange(147) < 120, 65535, 0)[None].repeat(130, 0).astype(np.uint16), 4)
    options = InferenceOptions(window=64)
    with open_raster(tmp_path / "a.tif", FOUR) as raster:
        check_regions_are_those_of_the_whole(Model(networks[1], classes, scale), raster, options, (60, 90))
    with open_raster(tmp_path / "b.tif", stretch="image") as raster:
        check_regions_are_those_of_the_whole(Model(networks[0], classes, scale), raster, options, (60, 90))


def test_only_windows_that_have_a_weight_in_the_region_are_read_and_computed(model):
    passed, columns = [], []

    class Watched(ArrayStrips):
        def read(self, top, bottom, left=0, right=None):
            columns.append((left, right))
            return super().read(top, bottom, left, right)

    image = Watched(noise(128, 256))
    options = InferenceOptions(window=64, overlap=0, engine="torch")  # windows beside each other; torch calls the hook
    handle = model.network.register_forward_hook(lambda network, inputs, output: passed.append(len(output)))
    for region, count, expected in [
        (None, 8, (0, 256)),
        (Region(0, 64, 64, 128), 1, (64, 128)),
        (Region(63, 65, 127, 129), 4, (64, 192)),
        (Region(10, 20, 190, 256), 2, (128, 256)),
    ]:
        passed.clear(), columns.clear()
        labelled(model, image, options, region)
        assert sum(passed) == count
        assert {*columns} == {expected}
    handle.remove()


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_memory_for_a_region_does_not_depend_on_the_width_of_the_image(model, classes, scale, tmp_path):
    path = tmp_path / "wide.tif"
    shape = {"height": 1000, "width": 100_000, "count": 3, "dtype": "uint8", "photometric": "rgb"}
    place = {"crs": "EPSG:32632", "transform": from_origin(600000, 5000000, 1, 1)}
    with rasterio.open(path, "w", driver="GTiff", tiled=True, sparse_ok=True, **shape, **place) as file:
        file.write(noise(200, 200).transpose(2, 0, 1), window=rasterio.windows.Window(60_000, 500, 200, 200))
    region = Region(500, 700, 60_000, 60_200)
    with open_raster(path) as raster:
        tracemalloc.start()
        labels, *_ = labelled(Model(model.network, classes, scale), raster, InferenceOptions(window=128), region)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert labels.shape == (200, 200)
    assert most < 10e6  # one strip of full rows alone is 38 MB


@pytest.mark.parametrize("sides", [(0, 0, 0, 5), (3, 2, 0, 5), (-1, 2, 0, 5), (0, 5, 4, 4)])
def test_a_region_has_pixels_of_the_image(sides):
    with pytest.raises(ValueError, match="should be 0 <= top < bottom and 0 <= left < right"):
        Region(*sides)


def test_a_region_that_reaches_beyond_the_image_is_an_error(model):
    with pytest.raises(ValueError, match="beyond the image of 40 x 30 pixels"):
        list(label_strips(model, ArrayStrips(noise(40, 30)), region=Region(0, 40, 20, 31)))


def test_a_region_in_messages():
    assert str(Region(512, 1024, 0, 300)) == "pixels 0 to 299 of rows 512 to 1023"


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_wide_images_are_read_in_parts_and_added_up_on_disk_to_the_same_bits(
    networks, classes, tmp_path, monkeypatch, scale, batch_size
):
    model, options = Model(networks[0], classes, scale), InferenceOptions(window=96, batch_size=batch_size)
    pixels = noise(300, 700).transpose(2, 0, 1)
    with rasterio.open(
        tmp_path / "wide.tif", "w", "GTiff", 700, 300, 3, dtype="uint8", tiled=True, blockxsize=64, blockysize=64
    ) as file:
        file.write(pixels)
    with open_raster(tmp_path / "wide.tif") as image:
        assert image.is_tiled
        narrow = labelled(model, image, options)
        monkeypatch.setattr("landcover.system.disk_arrays._LARGE", 0)
        monkeypatch.setattr("landcover.inference.probabilities._READ_BYTES", 4 * 3 * 96 * 200)
        asked = []
        read = image.read
        monkeypatch.setattr(image, "read", lambda *area: asked.append(area) or read(*area))
        wide = labelled(model, image, options)
    assert scale < 1 or max(right - left for _, _, left, right in asked) < 700  # cells of the scaled one are as wide
    for one, other in zip(narrow, wide, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_of_pixels_without_tiles_are_read_once(model, tmp_path, monkeypatch):
    with rasterio.open(tmp_path / "rows.tif", "w", "GTiff", 700, 300, 3, dtype="uint8") as file:
        file.write(noise(300, 700).transpose(2, 0, 1))
    monkeypatch.setattr("landcover.inference.probabilities._READ_BYTES", 0)
    with open_raster(tmp_path / "rows.tif") as image:
        assert not image.is_tiled
        asked = []
        read = image.read
        monkeypatch.setattr(image, "read", lambda *area: asked.append(area) or read(*area))
        labelled(model, image, InferenceOptions(window=96))
    assert sum(bottom - top for top, bottom, _, _ in asked) == 300
