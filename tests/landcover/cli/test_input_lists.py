"""Inputs that are URLs, and lists of inputs."""

from pathlib import Path

import pytest

from landcover.cli.inputs import find_inputs, read_lists
from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote


def test_a_list_names_paths_in_its_own_folder_and_urls(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    (tmp_path / "list.txt").write_text("# ours\na.tif\n\nhttps://example.org/x/b_sat.tif?key=1\n")
    found = find_inputs(read_lists([str(tmp_path / "list.txt")]))
    assert found == {"a": tmp_path / "a.tif", "b": Remote("https://example.org/x/b_sat.tif?key=1")}


def test_a_list_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# none\n")
    with pytest.raises(LandcoverError, match="names no image"):
        read_lists([str(tmp_path / "list.txt")])


def test_two_urls_of_one_name_are_an_error_without_keys() -> None:
    with pytest.raises(LandcoverError, match="same name") as caught:
        find_inputs(["s3://one/a.tif", "https://user:never@example.org/a.tif?sig=never"])
    assert "never" not in str(caught.value)
