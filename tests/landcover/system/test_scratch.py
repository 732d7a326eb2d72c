import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import landcover
from landcover.system import scratch
from landcover.system.errors import LandcoverError
from landcover.system.files import replacing
from landcover.system.scratch import exclusive

KILLED = """
import os, signal, sys
from pathlib import Path
from landcover.system.scratch import exclusive, backup_path
out = Path(sys.argv[1])
with exclusive(out) as path:
    (path / "half").write_text("half")
    if out.exists():
        out.rename(backup_path(out))
    os.killpg(os.getpgid(0), signal.SIGKILL)
"""


def kill_while_it_writes(out: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(landcover.__file__).parents[1])}
    killed = subprocess.run([sys.executable, "-c", KILLED, out], env=environment, process_group=0, check=False)
    assert killed.returncode == -signal.SIGKILL


def test_what_a_killed_process_leaves_is_removed_by_the_next_that_writes_the_same_output(tmp_path):
    kill_while_it_writes(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [".partial-out"]
    with replacing(tmp_path / "out") as path:
        path.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_output_that_a_killed_process_was_replacing_comes_back_with_the_next_run(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    kill_while_it_writes(tmp_path / "out")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "out"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


def test_what_a_killed_process_left_does_not_get_into_the_output(tmp_path):
    (tmp_path / ".partial-out").mkdir()
    (tmp_path / ".partial-out" / "stale").touch()
    with replacing(tmp_path / "out") as path:
        path.mkdir()
    assert list((tmp_path / "out").iterdir()) == []


def test_an_output_that_another_process_writes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "PATIENCE", 0.1)
    with replacing(tmp_path / "a.txt") as path:
        refused = pytest.raises(LandcoverError, match=r"a\.txt: another process is writing it\. Wait")
        with refused, exclusive(tmp_path / "a.txt"):
            raise AssertionError
        path.write_text("whole")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "whole")]


def test_several_writers_of_the_same_output_take_turns(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "PAUSE", 0.0)
    writing = []

    def write(number):
        for _ in range(200):
            with exclusive(tmp_path / "out") as path:
                writing.append(number)
                assert (writing, list(path.iterdir())) == ([number], [])
                writing.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_forked_meanwhile_neither_holds_nor_releases_the_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "PATIENCE", 0.1)
    with exclusive(tmp_path / "out"):
        ended = multiprocessing.get_context("fork").Process(target=int)
        ended.start()
        ended.join()
        with pytest.raises(LandcoverError, match="another process is writing it"), exclusive(tmp_path / "out"):
            raise AssertionError
        waiting = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        waiting.start()
    with exclusive(tmp_path / "out"):
        pass
    waiting.kill()
    waiting.join()


def test_a_link_in_the_place_of_the_scratch_folder_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / ".partial-out").symlink_to("elsewhere")
    with replacing(tmp_path / "out") as path:
        path.write_text("whole")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["elsewhere", "file", "out"]


def make_pipe(path):
    os.mkfifo(path)


def make_device(path):
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))  # as /dev/null is
    except PermissionError:
        pytest.skip("devices cannot be made here")


@pytest.mark.parametrize("make", [make_pipe, make_device])
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_or_a_device_is_not_replaced(make, linked, tmp_path):
    make(tmp_path / "special")
    out = tmp_path / "special"
    if linked:
        out = tmp_path / "link"
        out.symlink_to("special")
    before = (tmp_path / "special").stat()
    with pytest.raises(LandcoverError, match="a device, pipe or socket, which is not written to"), replacing(out):
        raise AssertionError
    assert (tmp_path / "special").stat().st_ino == before.st_ino
    assert {path.name for path in tmp_path.iterdir()} == {"special", out.name}


def test_a_link_to_nothing_is_replaced_by_the_file(tmp_path):
    (tmp_path / "link").symlink_to("gone")
    with replacing(tmp_path / "link") as path:
        path.write_text("whole")
    assert not (tmp_path / "link").is_symlink()
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
