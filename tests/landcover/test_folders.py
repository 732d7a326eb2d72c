import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import landcover
from landcover import folders
from landcover.errors import LandcoverError
from landcover.files import replacing
from landcover.folders import claimed, taken_away

KILLED = """
import os, signal, sys
from pathlib import Path
from landcover.folders import claimed, taken_away
out = Path(sys.argv[1])
with claimed(out) as scratch:
    (scratch / "half").write_text("half")
    if out.exists():
        out.rename(taken_away(out))
    os.killpg(os.getpgid(0), signal.SIGKILL)
"""


def kill_while_it_writes(out: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(landcover.__file__).parents[1])}
    killed = subprocess.run([sys.executable, "-c", KILLED, out], env=environment, process_group=0, check=False)
    assert killed.returncode == -signal.SIGKILL


def wait_until_gone(path: Path) -> None:
    end = time.monotonic() + 30
    while path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not path.exists()


def test_what_a_killed_process_leaves_is_cleared_away_without_another_run(tmp_path):
    kill_while_it_writes(tmp_path / "out")
    wait_until_gone(tmp_path / ".partial-out")
    assert list(tmp_path.iterdir()) == []


def test_what_it_took_away_before_it_was_killed_comes_back(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    kill_while_it_writes(tmp_path / "out")
    wait_until_gone(tmp_path / ".partial-out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


def test_what_nobody_cleared_away_does_not_get_into_the_output(tmp_path):
    (tmp_path / ".partial-out").mkdir()
    (tmp_path / ".partial-out" / "stale").touch()
    with replacing(tmp_path / "out") as scratch:
        scratch.mkdir()
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_run_took_away_comes_back_with_the_next_run(tmp_path):
    taken = taken_away(tmp_path / "out")
    taken.mkdir(parents=True)
    (taken / "old").touch()
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "out"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


def test_what_another_process_writes_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "PATIENCE", 0.1)
    with replacing(tmp_path / "a.txt") as scratch:
        refused = pytest.raises(LandcoverError, match=r"a\.txt: another process is writing it\. Wait")
        with refused, claimed(tmp_path / "a.txt"):
            raise AssertionError
        scratch.write_text("whole")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "whole")]


def test_several_that_want_the_same_output_get_it_in_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "PAUSE", 0.0)
    writing = []

    def write(number):
        for _ in range(200):
            with claimed(tmp_path / "out") as scratch:
                writing.append(number)
                assert (writing, list(scratch.iterdir())) == ([number], [])
                writing.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert list(tmp_path.iterdir()) == []


def test_the_sweeper_leaves_alone_what_another_process_has_claimed_since(tmp_path):
    with claimed(tmp_path / "out") as scratch:
        (scratch / "mine").touch()
        code = "from landcover.folders import sweep; sweep()"
        environment = {**os.environ, "PYTHONPATH": str(Path(landcover.__file__).parents[1])}
        names = os.fsencode(tmp_path / "out") + b"\0"
        subprocess.run([sys.executable, "-c", code], input=names, env=environment, check=True)
        assert (scratch / "mine").exists()
