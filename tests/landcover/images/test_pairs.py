from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landcover.images.pairs import find_images, find_samples, image_size, read_rgb, save_png, scale_down
from landcover.system.errors import LandcoverError


def touch(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"")


def test_pairs_are_matched_by_name_not_by_order(tmp_path):
    touch(tmp_path, "b_sat.jpg", "a_sat.png", "a_mask.png", "b_mask.png", "notes.txt", "c_mask.txt")
    found = [(s.name, s.image.name, s.mask.name) for s in find_samples(tmp_path)]
    assert found == [("a", "a_sat.png", "a_mask.png"), ("b", "b_sat.jpg", "b_mask.png")]


@pytest.mark.parametrize("suffix", ["jpg", "JPG", "jpeg", "png", "tif", "tiff"])
def test_every_usual_suffix_is_an_image(tmp_path, suffix):
    touch(tmp_path, f"a_sat.{suffix}")
    assert list(find_images(tmp_path)) == ["a"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "no NAME_sat.jpg"),
        (["a_sat.png"], "no NAME_mask.png"),
        (["a_mask.png"], "no NAME_sat.jpg"),
        (["a_sat.png", "b_sat.png", "a_mask.png"], "b_sat.png: no mask b_mask.png beside it"),
        (["a_sat.png", "a_mask.png", "b_mask.png"], "b_mask.png: no image b_sat"),
        (["a_sat.png", "a_sat.jpg", "a_mask.png"], "has the same name"),
        (["a_sat.png", "a_mask.jpg"], "no NAME_mask.png"),
    ],
)
def test_a_folder_without_clean_pairs_is_refused(tmp_path, names, reason):
    touch(tmp_path, *names)
    with pytest.raises(LandcoverError, match=reason) as error:
        find_samples(tmp_path)
    assert "\n" not in str(error.value)


def test_every_file_without_a_partner_has_its_line(tmp_path):
    touch(tmp_path, "a_sat.png", "b_sat.png", "b_mask.png", "c_sat.png", "d_mask.png")
    with pytest.raises(LandcoverError) as error:
        find_samples(tmp_path)
    assert [Path(line.split(":")[0]).name for line in error.value.lines] == ["a_sat.png", "c_sat.png", "d_mask.png"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(LandcoverError, match=r"nowhere: no such folder\. .*data\.root"):
        find_samples(tmp_path / "nowhere")


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


def test_scaling_down_averages_areas():
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[:2, :2] = [[[0], [100]], [[100], [200]]]
    assert scale_down(rgb, 0.5).shape == (2, 3, 3)
    assert scale_down(rgb, 0.5)[0, 0].tolist() == [100, 100, 100]
    assert scale_down(rgb, 1.0) is rgb
    assert scale_down(rgb, 0.01).shape == (1, 1, 3)
