import os
from pathlib import Path

import pytest

from landcover.system.errors import LandcoverError
from landcover.system.outputs import check_only_own_files, check_outputs


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder `data` with the file `a.png`, in the present folder."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data", "a.png").write_bytes(b"a")
    return tmp_path


@pytest.mark.parametrize("output", ["data/a.png", "./data/../data/a.png", "link", "chain", "hard", "folder/a.png"])
def test_an_output_is_no_input_by_whatever_path(output, here):
    Path("link").symlink_to("data/a.png")
    Path("chain").symlink_to("link")
    Path("folder").symlink_to("data")
    os.link("data/a.png", "hard")
    for path in (Path(output), here / output):
        with pytest.raises(LandcoverError, match=r"an input.*, which would be replaced\. Name another output\."):
            check_outputs([Path("data/a.png")], files=[Path("new"), path])
        with pytest.raises(LandcoverError, match=r"an input.*, which would be replaced\."):
            check_outputs([path], files=[Path("data/a.png")])


def test_an_output_that_does_not_exist_yet_is_compared_as_well(here):
    with pytest.raises(LandcoverError, match="an input"):
        check_outputs([Path("gone/x")], files=[Path("data/../gone/./x")])


@pytest.mark.parametrize("output", ["data", ".", "..", "link", "data/../data"])
def test_a_folder_that_is_replaced_holds_no_input(output, here):
    Path("link").symlink_to("data")
    with pytest.raises(LandcoverError, match=r"with the input data/a\.png in it\. Move it\."):
        check_outputs([Path("data/a.png")], folders=[Path(output)], advice="Move it.")


@pytest.mark.parametrize("folder", ["data", ".", "..", "link"])
def test_an_output_does_not_lie_in_a_folder_that_is_an_input(folder, here):
    Path("link").symlink_to("data")
    with pytest.raises(LandcoverError, match=r"data/new: lies in .*, which is an input"):
        check_outputs([Path(folder)], folders=[Path("data/new")])


def test_an_input_that_is_a_link_in_a_folder_that_is_replaced_is_lost_too(here):
    Path("out").mkdir()
    Path("out", "a.png").symlink_to("../data/a.png")
    with pytest.raises(LandcoverError, match=r"out: would be replaced, with the input out/a\.png in it"):
        check_outputs([Path("out/a.png")], folders=[Path("out")])


def test_outputs_beside_inputs_are_fine(here):
    Path("data", "link").symlink_to("a.png")
    Path("database").mkdir()
    check_outputs(
        [Path("data/a.png"), Path("data/link"), Path("data/gone")],
        files=[Path("data/a_mask.png"), Path("data/a"), Path("new/a.png")],
        folders=[Path("data/prepared"), Path("database"), Path("dat")],
    )
    assert [path.name for path in sorted(here.iterdir())] == ["data", "database"]


def test_a_file_does_not_replace_a_folder_nor_a_folder_a_file(here):
    with pytest.raises(LandcoverError, match=r"data: cannot be written \(Is a directory\)"):
        check_outputs([], files=[Path("data")])
    with pytest.raises(LandcoverError, match=r"a\.png: cannot be written \(Not a directory\)"):
        check_outputs([], folders=[Path("data/a.png")])


def test_a_folder_that_is_replaced_has_no_files_of_others(here):
    Path("data", ".DS_Store").touch()
    Path("data", "train").mkdir()
    Path("data", "train", "tiles.csv").touch()
    check_only_own_files(Path("data"), ["a.*", "train/*.csv"], "Move it.")
    check_only_own_files(Path("gone"), [], "Move it.")
    with pytest.raises(LandcoverError, match=r"data/train/tiles\.csv: not made by this program, but .* Move it\."):
        check_only_own_files(Path("data"), ["a.*", "*.npy"], "Move it.")
