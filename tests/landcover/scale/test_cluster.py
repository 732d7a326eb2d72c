"""Work on real local workers: results, failures, and workers that die or hang."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from conftest import BACKBONE, TABLE
from distributed import get_worker

from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import Architecture, build
from landcover.scale import connecting, dispatch
from landcover.scale.cluster import connected
from landcover.scale.options import ScaleOptions
from landcover.scale.shared_model import KEPT, share_model, shared_model
from landcover.system.errors import LandcoverError


@pytest.fixture(scope="module")
def local_cluster():
    """Two workers on this machine, the same for all tests of this module."""
    with connected(ScaleOptions(workers=2), "cpu", quiet=True) as cluster:
        yield cluster


def double(number):
    return 2 * number


def where(_):
    time.sleep(0.05)
    return os.getpid(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()


def refuse_odd(number):
    if number % 2:
        raise LandcoverError(f"{number}.tif: odd. Make it even.")
    return number


def import_missing(_):
    import a_package_that_is_not_there  # noqa: F401


def run_out_of_memory(_):
    raise MemoryError


def kill_once(task):
    """Number 3 kills its worker, unless the file says that it has done so."""
    number, folder, times = task
    kills = len(list(Path(folder).iterdir()))
    if number == 3 and kills < times:
        (Path(folder) / f"{kills}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)
    return number


def stop_once(task):
    """Number 3 stops its worker, which then hangs, unless the file says that it has done so."""
    number, folder = task
    if number == 3 and not (Path(folder) / "stopped").exists():
        (Path(folder) / "stopped").write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(0.1)
    return number


def network_of(key):
    return len(list(shared_model(key).network.parameters())), get_worker().address


@pytest.mark.long
def test_each_item_comes_back_once_with_its_result(local_cluster):
    assert sorted(local_cluster.map(double, range(500), str)) == [(i, 2 * i) for i in range(500)]


@pytest.mark.long
def test_results_come_in_the_order_of_the_items_when_asked_for(local_cluster):
    results = local_cluster.map(refuse_odd, range(0, 800, 2), str, ordered=True)
    assert list(results) == [(i, i) for i in range(0, 800, 2)]


@pytest.mark.long
def test_workers_have_one_thread_and_compute_repeatably(local_cluster):
    seen = {result for _, result in local_cluster.map(where, range(20), str)}
    assert len(seen) == 2
    assert {(threads, is_repeatable) for _, threads, is_repeatable in seen} == {(1, True)}


@pytest.mark.long
def test_an_item_that_fails_three_times_is_named_and_the_rest_goes_on(local_cluster):
    before = local_cluster.retries
    results = dict(local_cluster.map(refuse_odd, range(6), "number {}".format))
    assert [results[i] for i in (0, 2, 4)] == [0, 2, 4]
    assert str(results[3]) == "number 3: failed 3 times, at last because: 3.tif: odd. Make it even."
    assert local_cluster.retries - before == 2 * 3


@pytest.mark.long
@pytest.mark.parametrize(
    ("function", "cause"), [(import_missing, "a_package_that_is_not_there"), (run_out_of_memory, "not enough memory")]
)
def test_errors_of_the_environment_end_in_one_line(local_cluster, function, cause):
    [(_, error)] = local_cluster.map(function, [1], str)
    assert isinstance(error, LandcoverError)
    assert cause in str(error)
    assert len(error.lines) == 1


@pytest.mark.long
def test_items_are_taken_as_they_are_needed_and_nothing_is_kept(local_cluster):
    taken = 0

    def items():
        nonlocal taken
        for number in range(1, 2001):
            taken = number
            yield number

    results = local_cluster.map(double, items(), str)
    ahead = max(taken - done for done, _ in enumerate(results, 1))
    assert ahead <= 2 * 2 * 64 + 64
    deadline = time.monotonic() + 10
    while local_cluster.client.futures and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not local_cluster.client.futures


@pytest.mark.long
def test_a_closed_map_leaves_nothing_to_do(local_cluster):
    results = local_cluster.map(where, range(1000), str)
    next(results)
    results.close()
    assert list(local_cluster.map(double, [1], str)) == [(1, 2)]
    assert not local_cluster.listeners


@pytest.mark.long
def test_a_model_is_shared_and_the_oldest_is_removed(local_cluster, models):
    keys = [share_model(local_cluster, model) for model in models]
    assert share_model(local_cluster, models[-1]) == keys[-1]
    for key in keys[-KEPT:]:
        [(_, (count, _))] = local_cluster.map(network_of, [key], str)
        assert count > 0
    [(_, error)] = local_cluster.map(network_of, [keys[0]], str)
    assert "no longer kept" in str(error)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Three small models in files."""
    folder, made = tmp_path_factory.mktemp("models"), []
    for number in range(3):
        torch.manual_seed(number)
        network = build(Architecture("fcn32s", BACKBONE), len(TABLE))
        save_model(Model(network, TABLE, 1.0), folder / f"{number}.safetensors")
        made.append(load_model(folder / f"{number}.safetensors"))
    return made


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 2])
def test_the_items_of_a_killed_worker_are_done_by_others(local_cluster, tmp_path, times, capfd):
    lost = local_cluster.lost_workers
    results = dict(local_cluster.map(kill_once, [(i, str(tmp_path), times) for i in range(8)], str))
    assert sorted(results.values()) == list(range(8))
    assert local_cluster.lost_workers - lost == times
    printed = capfd.readouterr().err.splitlines()
    assert sum("was lost" in line for line in printed) == times
    assert all(line.startswith(("warning: ", "note: no worker is left")) for line in printed)


@pytest.mark.long
def test_an_item_that_kills_three_workers_is_named_and_no_other_fails(local_cluster, tmp_path):
    results = dict(local_cluster.map(kill_once, [(i, str(tmp_path), 9) for i in range(8)], lambda task: f"{task[0]}"))
    failed = {task[0]: result for task, result in results.items() if isinstance(result, LandcoverError)}
    assert str(failed.pop(3)) == "3: failed 3 times, at last because: its worker was lost"
    assert not failed
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.long
def test_what_hangs_on_a_worker_is_done_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(dispatch, "_SLOW_SECONDS", 2.0)
    with connected(ScaleOptions(workers=2), "cpu", quiet=True) as cluster:
        results = dict(cluster.map(stop_once, [(i, str(tmp_path)) for i in range(6)], str))
        assert sorted(results.values()) == list(range(6))
        assert dict(cluster.map(double, range(3), str)) == {0: 0, 1: 2, 2: 4}
        with suppress(ProcessLookupError):  # Dask may have ended it by now
            os.kill(int((tmp_path / "stopped").read_text()), signal.SIGKILL)


CLIENT = """
import signal, time
from landcover.scale.cluster import connected
from landcover.scale.options import ScaleOptions
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where this process was started to ignore it
    with connected(ScaleOptions(workers=2), "cpu", quiet=True) as cluster:
        for _, pid in cluster.map(abs, range(2), str): pass
        print(*cluster.client.run(lambda: __import__("os").getpid()).values(), flush=True)
        for _ in cluster.map(time.sleep, [0.2] * 1000, str): pass
"""


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_process_that_started_them(tmp_path, number):
    (tmp_path / "client.py").write_text(CLIENT)
    environment = os.environ | {"PYTHONPATH": str(Path(connecting.__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, tmp_path / "client.py"], stdout=subprocess.PIPE, env=environment, start_new_session=True
    ) as client:
        workers = [int(word) for word in client.stdout.readline().split()]
        assert len(workers) == 2
        if number == signal.SIGINT:
            os.killpg(client.pid, number)  # as the terminal does
        else:
            client.kill()
        client.wait(60)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


def open_scheduler(place):
    return connected(ScaleOptions(scheduler=str(place)))


def test_no_scheduler_is_one_line(monkeypatch):
    monkeypatch.setattr(connecting, "_SCHEDULER_SECONDS", 0.5)
    with (
        pytest.raises(LandcoverError, match=r"tcp://127.0.0.1:9: no Dask scheduler answers there"),
        open_scheduler("tcp://127.0.0.1:9"),
    ):
        pass


@pytest.mark.parametrize(("content", "words"), [(None, "no such scheduler file"), ("{", "not a scheduler file")])
def test_a_missing_or_damaged_scheduler_file_is_named(tmp_path, content, words):
    if content:
        (tmp_path / "scheduler.json").write_text(content)
    with pytest.raises(LandcoverError, match=words), open_scheduler(tmp_path / "scheduler.json"):
        pass


@pytest.fixture
def by_hand(tmp_path):
    """A function that starts `dask scheduler`, writing a scheduler file, or `dask worker`, as a user does."""
    started = []
    file = tmp_path / "scheduler.json"

    def start(*command):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
        arguments = [sys.executable, "-m", "dask", *command, "--scheduler-file", str(file)]
        started.append(subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.long
def test_workers_started_by_hand_and_their_scheduler_that_is_lost(by_hand, tmp_path, monkeypatch):
    monkeypatch.setattr(connecting, "_WORKER_SECONDS", 2.0)
    options = ScaleOptions(scheduler=str(tmp_path / "scheduler.json"))
    scheduler = by_hand("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with pytest.raises(LandcoverError, match=r"has no workers"), connected(options):
        pass
    monkeypatch.setattr(connecting, "_WORKER_SECONDS", 60.0)
    by_hand("worker", "--nthreads", "2", "--no-dashboard", "--local-directory", str(tmp_path))
    with connected(options, "cpu", quiet=True) as cluster:
        seen = {result for _, result in cluster.map(where, range(20), str)}
        assert {(threads, is_repeatable) for _, threads, is_repeatable in seen} == {(1, True)}
        results = cluster.map(where, range(1000), str)
        next(results)
        scheduler.kill()
        with pytest.raises(LandcoverError, match="the connection to the scheduler was lost"):
            list(results)


@pytest.mark.long
def test_workers_of_another_version_are_refused(by_hand, tmp_path, monkeypatch):
    monkeypatch.setattr(connecting, "__version__", "0.0.1")
    by_hand("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    by_hand("worker", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path))
    words = r"the worker on 127.0.0.1 has landcover .*, but here it is 0.0.1"
    with pytest.raises(LandcoverError, match=words), open_scheduler(tmp_path / "scheduler.json"):
        pass
