from pathlib import Path

import pytest

from landcover.system.errors import LandcoverError
from landcover.system.files import replacing, write_metrics


def test_an_output_appears_when_it_is_complete(tmp_path):
    with replacing(tmp_path / "new" / "a.txt") as scratch:
        scratch.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_folder_replaces_a_folder(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    with replacing(tmp_path / "out") as scratch:
        scratch.mkdir()
        (scratch / "new").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new"]


def test_after_an_error_only_the_old_output_is_there(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.txt") as scratch:
        scratch.write_text("half")
        raise KeyboardInterrupt
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def test_a_name_of_any_length_that_the_file_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    with replacing(path) as scratch:
        scratch.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_path_without_a_name_is_refused(name):
    with pytest.raises(LandcoverError, match="a folder"), replacing(Path(name)):
        pass


def test_metrics_are_rounded_and_never_nan(tmp_path):
    write_metrics(tmp_path / "a.json", {"x": {"y": 0.123456, "n": None, "i": 3}})
    assert (tmp_path / "a.json").read_text() == '{\n  "x": {\n    "y": 0.1235,\n    "n": null,\n    "i": 3\n  }\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_metrics(tmp_path / "a.json", {"x": float("nan")})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
