from pathlib import Path

import pytest

from landcover.images.layouts import PairLayout
from landcover.images.pairs import check_same_size, confidence_path, find_images, find_masks, find_samples
from landcover.system.errors import LandcoverError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
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
        (["a_sat.png", "a_mask.jpg"], r"no NAME_mask\.png.* in it; a_mask\.jpg is a JPEG, whose compression changes"),
        (["a_sat.png", "a_mask.png", "b_sat.png", "b_mask.jpeg"], r"b_mask\.jpeg: a mask in JPEG, whose compression"),
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


FOLDERS = PairLayout(folders=True, suffixes=("", ""))


def found(folder, layout):
    samples = find_samples(folder, layout)
    assert find_images(folder, layout) == {sample.name: sample.image for sample in samples}
    return {s.name: (str(s.image.relative_to(folder)), str(s.mask.relative_to(folder))) for s in samples}


def test_images_and_masks_may_lie_in_folders_of_their_own(tmp_path):
    touch(tmp_path, "images/b.tif", "images/a.jpg", "masks/a.png", "masks/b.tif", "classes.json", "images/notes.txt")
    assert found(tmp_path, FOLDERS) == {"a": ("images/a.jpg", "masks/a.png"), "b": ("images/b.tif", "masks/b.tif")}


def test_folders_may_be_below_others_whose_names_then_distinguish_the_images(tmp_path):
    for tile in ("Tile 2", "Tile 1", "more/deep"):
        touch(tmp_path, f"{tile}/images/part_1.jpg", f"{tile}/masks/part_1.png")
    touch(tmp_path, "__MACOSX/images/part_1.jpg", ".hidden/images/part_1.jpg")
    assert list(found(tmp_path, FOLDERS)) == ["Tile 1_part_1", "Tile 2_part_1", "more_deep_part_1"]
    touch(tmp_path, "more_deep/images/part_1.jpg", "more_deep/masks/part_1.png")
    with pytest.raises(LandcoverError, match=r"part_1.jpg: .*more/deep/images/part_1\.jpg has the same name"):
        find_samples(tmp_path, FOLDERS)


def test_endings_may_be_others(tmp_path):
    touch(tmp_path, "images/a_rgb.tif", "masks/a_label.tif", "p/town.jpg", "p/town_mask.png", "p/b.png", "p/b_mask.png")
    layout = PairLayout(folders=True, suffixes=("_rgb", "_label"))
    assert found(tmp_path, layout) == {"a": ("images/a_rgb.tif", "masks/a_label.tif")}
    layout = PairLayout(suffixes=("", "_mask"))
    assert found(tmp_path / "p", layout) == {"b": ("b.png", "b_mask.png"), "town": ("town.jpg", "town_mask.png")}


def test_what_comes_with_maps_is_neither_an_image_nor_a_mask(tmp_path):
    ours = ("town_confidence.png", "town_confidence.tif", "town_probabilities.tif")
    touch(tmp_path, *(f"p/{name}" for name in ("town.jpg", "town_mask.png", *ours)))
    touch(tmp_path, *(f"maps/{name}" for name in ("town.png", *ours)))
    assert list(found(tmp_path / "p", PairLayout(suffixes=("", "_mask")))) == ["town"]
    assert list(find_masks(tmp_path / "maps", plain=True)) == ["town"]
    touch(tmp_path, "images/my_confidence.png", "masks/my_confidence.png", "q/a_confidence_sat.png")
    assert list(found(tmp_path, FOLDERS)) == ["my_confidence"]
    assert list(find_images(tmp_path / "q")) == ["a_confidence"]


def test_confidence_is_beside_its_mask_under_its_name():
    for mask, expected in (("p/a_mask.png", "p/a_confidence.png"), ("a.tif", "a_confidence.tif")):
        assert confidence_path(Path(mask)) == Path(expected)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a.png"], r"no images/NAME\.jpg, .*in it"),
        (["images/a.png"], r"no masks/NAME\.png, .*in it"),
        (
            ["images/a.png", "images/b.png", "masks/a.png"],
            r"images/b\.png: no mask masks/b\.png for it\. Add",
        ),
        (
            ["images/a.png", "masks/b.png", "masks/a.png"],
            r"masks/b\.png: no image images/b\.jpg, \.png or",
        ),
        (["images/a.png", "images/a.jpg", "masks/a.png"], "has the same name"),
        (["x/images/a.png", "y/masks/a.png"], "x/images/a.png: no mask masks/a.png for it"),
        (["images/a.jpg", "masks/a.jpg"], r"in it; a\.jpg is a JPEG, whose compression changes pixels"),
    ],
)
def test_folders_without_clean_pairs_are_refused(tmp_path, names, reason):
    touch(tmp_path, *names)
    with pytest.raises(LandcoverError, match=reason):
        find_samples(tmp_path, FOLDERS)
