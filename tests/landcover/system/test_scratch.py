import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import landcover
from landcover.system import scratch
from landcover.system.errors import LandcoverError
from landcover.system.files import replacing
from landcover.system.scratch import backup_path, exclusive

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
    with replacing(tmp_path / "out") as path:
        path.mkdir()
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_run_took_away_comes_back_with_the_next_run(tmp_path):
    taken = backup_path(tmp_path / "out")
    taken.mkdir(parents=True)
    (taken / "old").touch()
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "out"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "old"]


def test_what_another_process_writes_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "PATIENCE", 0.1)
    with replacing(tmp_path / "a.txt") as path:
        refused = pytest.raises(LandcoverError, match=r"a\.txt: another process is writing it\. Wait")
        with refused, exclusive(tmp_path / "a.txt"):
            raise AssertionError
        path.write_text("whole")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "whole")]


def test_several_that_want_the_same_output_get_it_in_turns(tmp_path, monkeypatch):
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


def test_the_sweeper_leaves_alone_what_another_process_has_claimed_since(tmp_path):
    with exclusive(tmp_path / "out") as path:
        (path / "mine").touch()
        code = "from landcover.system.scratch import sweep; sweep()"
        environment = {**os.environ, "PYTHONPATH": str(Path(landcover.__file__).parents[1])}
        names = os.fsencode(tmp_path / "out") + b"\0"
        subprocess.run([sys.executable, "-c", code], input=names, env=environment, check=True)
        assert (path / "mine").exists()


def test_the_sweeper_waits_for_the_locks_of_a_process_that_is_not_quite_dead(tmp_path):
    (tmp_path / ".partial-out").mkdir()
    lock = os.open(tmp_path / ".partial-out", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    environment = {**os.environ, "PYTHONPATH": str(Path(landcover.__file__).parents[1])}
    command = [sys.executable, "-c", "from landcover.system.scratch import sweep; sweep()"]
    sweeper = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    sweeper.stdin.write(os.fsencode(tmp_path / "out") + b"\0")
    sweeper.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        sweeper.wait(1)
    os.close(lock)
    assert sweeper.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_is_released_is_not_swept(tmp_path):
    (tmp_path / ".partial-out").mkdir()
    name = os.fsencode(tmp_path / "out")
    environment = {**os.environ, "PYTHONPATH": str(Path(landcover.__file__).parents[1])}
    command = [sys.executable, "-c", "from landcover.system.scratch import sweep; sweep()"]
    for told in (b"%b\0-%b\0" % (name, name), b"%b\0%b\0-%b\0-%b\0" % (name, name, name, name)):
        subprocess.run(command, input=told, env=environment, check=True)
        assert (tmp_path / ".partial-out").exists()
    subprocess.run(command, input=b"%b\0%b\0-%b\0" % (name, name, name), env=environment, check=True)
    assert not (tmp_path / ".partial-out").exists()


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
