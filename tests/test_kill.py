"""Killed at random moments, without room, twice at once: the rerun ends in the same bytes, and nothing is half there.

Briefly in the suite, the slower stages in `make long`; `make soak` kills hundreds of times (SOAK_KILLS, within
SOAK_SECONDS) and says what it survived.
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

import pytest
import yaml
from conftest import ROOT, TABLE, draw_pair

from landcover.classes.colours import hex_colour
from landcover.system.scratch import exclusive

KILLS = int(os.environ.get("SOAK_KILLS", "0")) // 5 or 4  # of each stage; the last fifth are for test_dvc_faults.py
SECONDS = int(os.environ.get("SOAK_SECONDS", "3600")) / 5 if "SOAK_KILLS" in os.environ else 8  # for each stage
OUTPUTS = {
    "prepare": ["data/prepared", "plots/data.csv"],
    "train": ["models/model.safetensors", "metrics/train.json"],
    "predict": ["data/predictions", "metrics/predict.json"],
    "evaluate": [
        "metrics/evaluate.json",
        *(f"plots/{name}" for name in ("iou.csv", "confusion.csv", "samples.png")),
    ],
    "report": ["report/index.html"],
}
SLOW = ("train", "predict", "report")
KILLED = pytest.mark.parametrize(
    "stage", [pytest.param(stage, marks=[pytest.mark.long] * (stage in SLOW)) for stage in OUTPUTS]
)
CURVES = "plots/training.csv"  # grows with each epoch, a whole row at a time


def write_params(folder: Path, seed: int) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    colours = {**TABLE.colours, TABLE.ignore[0]: TABLE.ignore[1]}
    params["data"] |= {"root": "data", "classes": {n: hex_colour(c) for n, c in colours.items()}, "ignore": "unknown"}
    params["prepare"] |= {"tile": 32 + 16 * seed}
    params["train"] |= {"model": "baseline", "epochs": 4, "steps": 4, "crop": 32, "batch_size": 2, "warmup": 0}
    params["train"] |= {"weights": "none", "backbone_lr": 1.0, "freeze_batch_norm": False}
    params["train"] |= {"checkpoint_minutes": 0, "keep": "best", "log_every": 1, "seed": seed}
    params["predict"] |= {"tta": "flip", "window": 64}
    params["evaluate"] |= {"seed": seed, "samples": 1 + seed}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def content(path: Path) -> dict[str, bytes] | bytes | None:
    """All of a file or a folder."""
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    return path.read_bytes() if path.exists() else None


def contents(folder: Path) -> dict[str, object]:
    return {name: content(folder / name) for names in OUTPUTS.values() for name in [*names, CURVES]}


class Project:
    """A small project; `old` and `new` are its outputs with other parameters and with the present ones."""

    def __init__(self, folder: Path, programs) -> None:
        self.folder, self.programs, self.durations = folder, programs, {}
        for split in ("train", "validation"):
            for i in range(12):
                draw_pair(folder / "data" / split, f"{i}", 70 + i, 90 - i, seed=i + len(split))
        for seed in (1, 0):
            write_params(folder, seed)
            for stage in OUTPUTS:
                begin = time.monotonic()
                self.finish(stage)
                self.durations[stage] = time.monotonic() - begin
            self.old, self.new = getattr(self, "new", None), contents(folder)
            if seed:
                shutil.copytree(folder, folder.with_name("old"))

    def finish(self, stage: str) -> None:
        done = self.programs.run(f"stages.{stage}", folder=self.folder)
        assert (done.returncode, done.stderr) == (0, ""), done

    def back_to_old(self, stage: str) -> None:
        """Put the old outputs of a stage in their place, for the new ones to replace."""
        for name in OUTPUTS[stage]:
            target = self.folder / name
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            source = self.folder.with_name("old") / name
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)

    def check_whole(self, stage: str) -> None:
        """What stands under a final name is all old or all new, or missing where folders change places."""
        for name in OUTPUTS[stage]:
            found = content(self.folder / name)
            assert found in (self.old[name], self.new[name]) or (found is None and not Path(name).suffix), name
        if stage == "train":
            assert content(self.folder / CURVES) == self.old[CURVES] or self.new[CURVES].startswith(
                content(self.folder / CURVES)
            )

    def check_new(self) -> None:
        assert contents(self.folder) == self.new
        left = [path for path in self.folder.rglob("*") if ".partial" in path.name or path.name == "checkpoints"]
        assert not left


@pytest.fixture(scope="module")
def project(tmp_path_factory, programs):
    return Project(tmp_path_factory.mktemp("kill") / "new", programs)


@KILLED
def test_killed_at_random_moments_a_stage_ends_in_the_same_bytes(stage, project, programs):
    chance, end, kills = random.Random(stage), time.monotonic() + SECONDS, 0
    while kills < KILLS and time.monotonic() < end:
        project.back_to_old(stage)
        for _ in range(chance.choice([1, 1, 2, 3])):
            process = programs.start(f"stages.{stage}", folder=project.folder)
            time.sleep(chance.uniform(0, 0.9 * project.durations[stage]))
            number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
            with suppress(ProcessLookupError):
                os.killpg(process, number)
            code = programs.wait(process).returncode
            assert code in (0, -number, 1)  # 1: a training that SIGTERM stopped
            kills += code != 0  # else it was faster
            project.check_whole(stage)
        project.finish(stage)
        project.check_new()
    assert kills
    print(f"\n{stage}: {kills} kills survived")


@KILLED
def test_killed_before_any_change_that_it_makes_to_files_a_stage_ends_in_the_same_bytes(stage, project, programs):
    number, step, kills = 1, 1 if KILLS > 4 else 17, 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        project.back_to_old(stage)
        code = programs.run(f"stages.{stage}", folder=project.folder, killed_at=number).returncode
        project.check_whole(stage)
        if code != -signal.SIGKILL:
            break  # it makes fewer
        project.finish(stage)
        project.check_new()
        number, kills = number + step, kills + 1
    assert kills
    print(f"\n{stage}: killed before each of {kills} changes to files, survived")


@KILLED
def test_without_room_a_stage_says_so_and_once_there_is_room_it_ends_in_the_same_bytes(stage, project, programs):
    sizes = [len(file) for name in OUTPUTS[stage] for file in _files(project.new[name])]
    chance, faults = random.Random(stage), 0
    for share in [0.02, 0.5, 0.98] if KILLS < 5 else [chance.random() for _ in range(20)]:
        project.back_to_old(stage)
        limits = {"RLIMIT_FSIZE": int(share * max(sizes))}
        done = programs.run(f"stages.{stage}", folder=project.folder, limits=limits)
        assert done.returncode == 1, done
        assert "cannot be written" in done.stderr
        assert done.stderr.count("\n") == 1
        assert not list(project.folder.rglob(".partial*"))
        project.check_whole(stage)
        faults += 1
    project.finish(stage)
    project.check_new()
    print(f"\n{stage}: {faults} times without room survived")


WRITING = """
import os, signal, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from landcover.system.scratch import exclusive
threading.Timer(float(sys.argv[3]), lambda: os.killpg(0, signal.SIGKILL)).start()
while True:
    with exclusive(Path(sys.argv[2])) as scratch:
        (scratch / "half").write_bytes(bytes(100_000))
"""


def test_killed_while_it_locks_and_releases_an_output_a_process_leaves_nothing_for_the_next(tmp_path):
    chance, kills = random.Random(0), max(12, KILLS)
    for _ in range(kills):
        arguments = [str(ROOT / "src"), tmp_path / "out", str(chance.uniform(0, 0.15))]
        killed = subprocess.run([sys.executable, "-c", WRITING, *arguments], process_group=0, check=False)
        assert killed.returncode == -signal.SIGKILL
        with exclusive(tmp_path / "out") as scratch:
            assert list(scratch.iterdir()) == []
        assert list(tmp_path.iterdir()) == []
    print(f"\n{kills} kills while an output was locked, nothing left")


def _files(found: dict[str, bytes] | bytes) -> list[bytes]:
    return list(found.values()) if isinstance(found, dict) else [found]


@KILLED
def test_a_stage_that_is_started_twice_does_its_work_once_or_twice_but_whole(stage, project, programs):
    project.back_to_old(stage)
    processes = [programs.start(f"stages.{stage}", folder=project.folder) for _ in range(3)]
    ends = [programs.wait(process) for process in processes]
    assert 0 in [end.returncode for end in ends]
    for end in ends:
        assert end.returncode == 0 or "another process is writing it. Wait until that ends" in end.stderr, end
    project.check_new()


def test_a_reader_of_batches_that_dies_is_told_in_a_line(project, programs):
    params = (project.folder / "params.yaml").read_text()
    (project.folder / "params.yaml").write_text(
        params.replace("workers: 0", "workers: 2").replace("  steps: 4", "  steps: 5000")
    )
    process = programs.start("stages.train", folder=project.folder)
    readers, before, end = [], None, time.monotonic() + 60
    while (len(readers) < 2 or readers != before) and time.monotonic() < end:  # git is a child too, but not for long
        time.sleep(0.5)
        before, readers = readers, Path(f"/proc/{process}/task/{process}/children").read_text().split()
    os.kill(int(readers[0]), signal.SIGKILL)
    done = programs.wait(process)
    (project.folder / "params.yaml").write_text(params)
    shutil.rmtree(project.folder / "checkpoints", ignore_errors=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: train.workers: a process that reads batches ahead has died")
    assert done.stderr.count("\n") == 1
    project.finish("train")
    project.check_new()
