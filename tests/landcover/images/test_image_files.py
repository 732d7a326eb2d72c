import numpy as np
import pytest
from PIL import Image

from landcover.classes.colours import pack
from landcover.images.image_files import image_size, read_packed, read_rgb, save_palette_png, save_png
from landcover.system.errors import LandcoverError


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_every_eight_bit_mode_reads_as_rgb(tmp_path, mode):
    grey = np.zeros((5, 7), np.uint8)
    grey[2:] = 255
    Image.fromarray(grey).convert("RGB").convert(mode).save(tmp_path / "a.png")
    rgb = read_rgb(tmp_path / "a.png")
    np.testing.assert_array_equal(rgb, np.stack([grey] * 3, 2))
    assert image_size(tmp_path / "a.png") == (5, 7)


def broken_files(folder):
    whole = folder / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)).save(whole)
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not an image")
    (folder / "cut.png").write_bytes(whole.read_bytes()[:3000])
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(folder / "deep.png")
    whole_jpeg = folder / "whole.jpg"
    Image.open(whole).save(whole_jpeg)
    (folder / "cut.jpg").write_bytes(whole_jpeg.read_bytes()[:2000])


@pytest.mark.parametrize("name", ["empty.png", "text.png", "cut.png", "cut.jpg", "deep.png", "missing.png"])
def test_an_unreadable_image_is_named_in_one_line(tmp_path, name):
    broken_files(tmp_path)
    with pytest.raises(LandcoverError, match=name) as error:
        read_rgb(tmp_path / name)
    assert "\n" not in str(error.value)
    assert str(error.value).count(name) == 1


def test_saving_and_reading_a_png_changes_nothing(tmp_path):
    rgb = np.random.default_rng(0).integers(256, size=(31, 17, 3), dtype=np.uint8)
    save_png(rgb, tmp_path / "a.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), rgb)


def test_a_palette_png_shows_colours_and_holds_labels(tmp_path):
    rng = np.random.default_rng(0)
    labels, palette = rng.integers(256, size=(31, 17), dtype=np.uint8), rng.integers(256, size=(256, 3), dtype=np.uint8)
    save_palette_png(labels, palette, tmp_path / "a.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), palette[labels])
    np.testing.assert_array_equal(pack(palette[labels]), read_packed(tmp_path / "a.png"))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), labels)
