import numpy as np
import page_data
import pytest
from conftest import TABLE, write_geotiff
from PIL import Image

from landcover.classes.class_table import UNKNOWN
from landcover.images.image_files import save_png
from landcover.report import any_size
from landcover.report.page_files import PageFiles
from landcover.report.pixels import reduced
from landcover.report.reduction import middles
from landcover.system.errors import LandcoverError

HEIGHT, WIDTH = 1100, 40


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    labels = {key: rng.integers(3, size=(HEIGHT, WIDTH), dtype=np.uint8) for key in ("prediction", "truth", "other")}
    image = rng.integers(256, size=(HEIGHT, WIDTH, 3), dtype=np.uint8)
    return {**labels, "image": image, "confidence": rng.integers(1, 256, size=(HEIGHT, WIDTH), dtype=np.uint8)}


def save(folder, arrays, suffix):
    """Write them; return the files."""
    paths = {key: {"a": folder / f"{key}{suffix}"} for key in arrays}
    for key, pixels in arrays.items():
        path = paths[key]["a"]
        if key in ("prediction", "truth", "other"):
            pixels = TABLE.encode(pixels)
        if suffix == ".png":
            Image.fromarray(pixels).save(path)
        else:
            write_geotiff(
                path, np.moveaxis(pixels, 2, 0) if pixels.ndim == 3 else pixels[None], photometric=kind(pixels)
            )
    kinds = ("prediction", "image", "truth", "other", "confidence")
    return PageFiles(TABLE, *(paths.get(key, {}) for key in kinds))


def kind(pixels):
    return "rgb" if pixels.ndim == 3 else "minisblack"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_files_are_read_as_the_page_shows_them(arrays, suffix, tmp_path):
    shown = save(tmp_path, arrays, suffix).load("a")
    assert (shown.reduction, shown.size, shown.bands) == (2, (HEIGHT, WIDTH), "")
    for key in ("prediction", "truth", "other", "confidence"):
        assert (getattr(shown, key) == middles(arrays[key], 2)).all(), key
    assert shown.image.shape == (550, 20, 3)
    assert abs(shown.image[0, 0] - arrays["image"][:2, :2].mean((0, 1))).max() <= 1
    assert (shown.degrees is not None) == (suffix == ".tif")
    assert reduced(shown) is shown


def test_large_files_are_read_in_strips_and_look_the_same(arrays, tmp_path, monkeypatch):
    files = save(tmp_path, arrays, ".tif")
    expected, counts = files.load("a"), files.calibrate("a")
    monkeypatch.setattr(any_size, "LARGE", 100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", HEIGHT * WIDTH // 3)  # twice as many are an error
    shown = files.load("a")
    for key in ("prediction", "truth", "other", "confidence", "image"):
        assert (getattr(shown, key) == getattr(expected, key)).all(), key
    assert (files.calibrate("a").right == counts.right).all()


def test_confidence_is_counted_by_whether_the_prediction_is_right(arrays, tmp_path):
    counts = save(tmp_path, arrays, ".png").calibrate("a")
    assert counts.known.sum() == HEIGHT * WIDTH
    assert counts.right.sum() == (arrays["prediction"] == arrays["truth"]).sum()
    assert counts.mean() == pytest.approx(arrays["confidence"].mean() / 255)
    alone = {key: arrays[key] for key in ("prediction", "confidence")}
    assert save(tmp_path, alone, ".png").calibrate("a").right.sum() == HEIGHT * WIDTH


def test_where_the_image_has_no_data_the_truth_is_unknown(arrays, tmp_path):
    valid = np.zeros((HEIGHT, WIDTH), bool)
    valid[:500] = True
    files = save(tmp_path, arrays, ".png")
    files = PageFiles(
        TABLE, files.predictions, files.images, files.truths, {}, files.confidences, valid_mask=lambda _: valid
    )
    truth = files.load("a").truth
    assert (truth[:250] == middles(arrays["truth"], 2)[:250]).all() and (truth[250:] == UNKNOWN).all()
    assert files.calibrate("a").known.sum() == 500 * WIDTH


def test_images_of_other_pixels_are_shown_in_true_colours_where_there_are_such(tmp_path):
    pixels = np.random.default_rng(0).integers(5000, size=(5, 20, 30)).astype(np.uint16)
    write_geotiff(tmp_path / "a.tif", pixels)
    save_png(TABLE.encode(np.zeros((20, 30), np.uint8)), tmp_path / "a_mask.png")
    files = PageFiles(TABLE, {"a": tmp_path / "a_mask.png"}, {"a": tmp_path / "a.tif"})
    shown = files.load("a")
    assert shown.image.dtype == np.uint8 and shown.image.max() == 255
    assert shown.bands == "band 1, band 2, band 3"
    assert page_data.corners(shown.degrees)[0] == pytest.approx((15, 45.16), abs=0.01)


def test_each_file_that_does_not_fit_is_named(arrays, tmp_path):
    files = save(tmp_path, arrays, ".png")
    save_png(TABLE.encode(np.zeros((9, 9), np.uint8)), files.truths["a"])
    files.others["a"].write_bytes(b"no image")
    with pytest.raises(LandcoverError) as error:
        files.load("a")
    first, second = error.value.lines
    assert first.startswith(f"{files.truths['a']}: its size") and "9x9" in first
    assert second.startswith(f"{files.others['a']}: not readable as an image")
