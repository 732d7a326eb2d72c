"""Under DVC: outputs that were damaged never pass for whole, a killed run ends in the same lock, two runs do not mix.

Briefly in `make long`; `make soak` kills `dvc repro` a fifth of SOAK_KILLS times and damages each output by itself.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import bad_files as bad
import pytest
from checkout import Checkout
from conftest import TABLE, draw_pair

from landcover.classes.colours import hex_colour

pytestmark = pytest.mark.long

SOAK = "SOAK_KILLS" in os.environ
KILLS = int(os.environ.get("SOAK_KILLS", "0")) // 5 or 2
TARGET = "report" if SOAK else "prepare"
SECONDS = int(os.environ.get("SOAK_SECONDS", "3600")) / 5
OUTPUTS = ["data/prepared", "models", "data/predictions", "metrics", "plots", "report"]
FILES = [
    "data/prepared/train/images.npy",
    "data/prepared/validation/tiles.csv",
    "data/prepared/dataset.json",
    "models/model.safetensors",
    "data/predictions/a_mask.png",
    "data/predictions/a_confidence.png",
    "report/index.html",
    "plots/data.csv",
    "metrics/train.json",
    "metrics/predict.json",
    "metrics/evaluate.json",
    "plots/iou.csv",
    "plots/samples.png",
]
EXTRA = ["data/prepared/train/more.npy", "data/predictions/d_mask.png"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, path_with_python):
    """A checkout in which the pipeline has run on a small data set."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    for split in ("train", "validation"):
        for name in "abc":
            draw_pair(checkout.folder / "data" / "own" / split, name, 40, 56, seed=ord(name))
    colours = {**TABLE.colours, TABLE.ignore[0]: TABLE.ignore[1]}
    checkout.set(
        data={"root": "data/own", "classes": {n: hex_colour(c) for n, c in colours.items()}, "ignore": "unknown"},
        train={"model": "baseline", "epochs": 2, "steps": 3, "crop": 32, "batch_size": 2, "checkpoint_minutes": 0},
        predict={"tta": "none"},
    )
    checkout.set(train={"weights": "none", "freeze_batch_norm": False})
    checkout.dvc("add", "data/own")
    checkout.run("git", "add", ".")
    checkout.run("git", "commit", "--quiet", "--message", "start")
    assert checkout.repro() == ["prepare", "weights", "train", "predict", "evaluate", "report"]
    checkout.results = results(checkout)
    return checkout


def results(checkout: Checkout) -> dict[str, bytes]:
    """All that the pipeline has made, dvc.lock included."""
    folders = [checkout.folder / name for name in OUTPUTS]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in [*files, checkout.folder / "dvc.lock"]}


def one_byte_in_place(path: Path) -> None:
    """Change a byte of a file that DVC may have linked with what it keeps."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(content)


DAMAGES = [
    pytest.param(one_byte_in_place, FILES, id="a byte in all"),
    pytest.param(bad.cut, FILES, id="all cut"),
    pytest.param(Path.unlink, FILES, id="all missing"),
    pytest.param(Path.touch, EXTRA, id="extra files"),
]
if SOAK:
    DAMAGES += [
        pytest.param(damage, [file], id=f"{damage.__name__} {file}")
        for damage in (one_byte_in_place, bad.cut, Path.unlink)
        for file in FILES
    ]


@pytest.mark.parametrize(("damage", "files"), DAMAGES)
def test_repro_never_takes_a_damaged_output_for_whole(damage, files, finished):
    for file in files:
        damage(finished.folder / file)
    assert results(finished) != finished.results
    finished.repro()
    assert results(finished) == finished.results


def restore_cut_files(finished: Checkout) -> None:
    """As docs/troubleshooting.md says after a kill while DVC wrote in place: dvc.lock is in git, its locks may go."""
    lock = finished.folder / "dvc.lock"
    whole = finished.results[str(lock)]
    if whole.startswith(lock.read_bytes()):
        lock.write_bytes(whole)
    locks = finished.folder / ".dvc" / "tmp" / "rwlock"
    with suppress(FileNotFoundError):
        if not locks.read_bytes().endswith(b"}"):
            locks.unlink()


def test_killed_at_random_moments_repro_ends_in_the_same_lock(finished):
    chance, end, kills = random.Random(0), time.monotonic() + SECONDS, 0
    command = [sys.executable, "-m", "dvc", "repro", "--force", TARGET]
    begin = time.monotonic()
    finished.run(*command)
    duration = time.monotonic() - begin
    assert results(finished) == finished.results
    while kills < KILLS and time.monotonic() < end:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, cwd=finished.folder, start_new_session=True, **quiet)
        time.sleep(chance.uniform(0.2, 0.9) * duration)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, chance.choice([signal.SIGKILL, signal.SIGTERM]))
        kills += process.wait(60) != 0  # else it was faster
        restore_cut_files(finished)
        if chance.random() < 0.5:  # else it is killed again before it has been whole
            finished.repro()
            assert results(finished) == finished.results
    finished.repro()  # DVC restores what it knows: the stages do not run, so that their leftovers stay
    assert results(finished) == finished.results
    finished.run(*command)
    assert results(finished) == finished.results
    assert not list(finished.folder.rglob("*.partial*"))
    assert not (finished.folder / "checkpoints").exists()
    assert kills
    print(f"\ndvc repro: {kills} kills survived")


def test_of_two_repros_at_once_one_runs_and_dvc_stops_the_other(finished):
    command = [sys.executable, "-m", "dvc", "repro", "--force", TARGET]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=finished.folder, **pipes) for _ in range(2)]
    ends = [(process.communicate(timeout=300), process.returncode) for process in processes]
    assert 0 in [code for _, code in ends]
    for (_, errors), code in ends:
        assert code == 0 or "lock" in errors or "busy" in errors, errors
    finished.repro()
    assert results(finished) == finished.results


def test_a_stage_that_fails_leaves_no_figures_that_it_did_not_compute(finished):
    shutil.copytree(finished.folder, finished.folder.with_name("copy"))
    failing = Checkout.__new__(Checkout)
    failing.folder = finished.folder.with_name("copy")
    (failing.folder / "data" / "own" / "validation" / "b_mask.png").write_bytes(b"")
    figures = (failing.folder / "metrics" / "evaluate.json").read_bytes()
    failing.run(sys.executable, "-m", "stages.evaluate", fails=True)
    assert (failing.folder / "metrics" / "evaluate.json").read_bytes() == figures
    assert "b_mask.png" in failing.dvc("repro", "evaluate", fails=True)
    assert "is cached" not in failing.dvc("repro", "--single-item", "evaluate", fails=True)
    path = failing.folder / "metrics" / "evaluate.json"
    assert not path.exists() or path.read_bytes() == figures
