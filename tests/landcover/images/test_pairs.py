from pathlib import Path

import pytest

from landcover.images.pairs import check_same_size, find_images, find_samples
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


def test_two_sizes_are_named_with_both_files():
    check_same_size(Path("a"), (2, 3), Path("b"), (2, 3))
    with pytest.raises(LandcoverError, match=r"a: its size and that of b differ: 3x2 and 5x4 pixels\. Make them equal"):
        check_same_size(Path("a"), (2, 3), Path("b"), (4, 5))
