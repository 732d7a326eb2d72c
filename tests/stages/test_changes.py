"""Which parameters are not those of the last commit, as each stage notes first."""

import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from conftest import ROOT


def git(*arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def committed(project):
    """The project with its parameters committed; returns what changes them."""
    git("init", "--quiet")
    git("add", "params.yaml")
    git("commit", "--quiet", "--message", "start")
    return project


@pytest.fixture
def stage(programs):
    """A function that runs a stage in the current folder."""
    return lambda name: programs.run(f"stages.{name}", folder=Path.cwd())


def prepare_in(**environment):
    """Run the stage in another environment."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", "stages.prepare"], env=environment, capture_output=True, text=True, check=False
    )


def test_a_forgotten_parameter_is_noted_by_each_stage_that_reads_it(committed, stage):
    committed(data={"split": "scene", "holdout": 2}, train={"epochs": 1})
    data = "data.split = scene (committed: folder), data.holdout = 2 (committed: 0)"
    noted = {"prepare": data, "train": "train.epochs = 1 (committed: 2)", "predict": data, "evaluate": data}
    for name, text in noted.items():
        done = stage(name)
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[0] == f"note: params.yaml: {text}"
        assert "params.yaml" not in done.stdout


def test_several_parameters_are_one_line_and_without_changes_there_is_none(committed, stage):
    assert stage("prepare").stderr == ""
    committed(data={"split": "scene", "holdout": 2}, prepare={"tile": 64, "scale": 0.5})
    data = "data.split = scene (committed: folder), data.holdout = 2 (committed: 0)"
    text = f"{data}, prepare.tile = 64 (committed: 256), prepare.scale = 0.5 (committed: 1.0)"
    assert stage("prepare").stderr == f"note: params.yaml: {text}\n"


def test_they_are_noted_even_if_the_stage_fails(committed, stage):
    committed(prepare={"tile": -1})
    done = stage("prepare")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "note: params.yaml: prepare.tile = -1 (committed: 256)"
    assert lines[1].startswith("error: params.yaml: prepare.tile = -1: ")


def test_in_a_folder_of_a_repository_its_own_parameters_are_compared(project, stage):
    Path("params.yaml").rename("other.yaml")
    Path("inner").mkdir()
    Path("inner", "params.yaml").write_text(Path("other.yaml").read_text())
    git("init", "--quiet")
    git("add", "inner")
    git("commit", "--quiet", "--message", "start")
    with chdir("inner"):
        Path("params.yaml").write_text(Path("params.yaml").read_text().replace("root: data", "root: ../data"))
        assert stage("prepare").stderr == "note: params.yaml: data.root = ../data (committed: data)\n"


@pytest.mark.parametrize("committed_text", ["train: [", "no table", "", "data: 3\n", "data: {holdout: &a [*a]}\n"])
def test_a_committed_file_that_cannot_be_read_is_ignored(project, stage, committed_text):
    project(data={"split": "scene", "holdout": 2})
    ours = Path("params.yaml").read_text()
    Path("params.yaml").write_text(committed_text)
    git("init", "--quiet")
    git("add", "params.yaml")
    git("commit", "--quiet", "--message", "broken")
    Path("params.yaml").write_text(ours)
    done = stage("prepare")
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


def test_without_git_a_repository_or_a_commit_nothing_is_noted(project, stage):
    assert stage("prepare").stderr == ""
    assert prepare_in(PATH="/nowhere").stderr == ""
    git("init", "--quiet")
    assert stage("prepare").stderr == ""


def test_of_several_processes_only_the_first_prints_the_note(committed):
    committed(prepare={"tile": -1})
    assert [prepare_in(RANK=rank).stderr.count("note: ") for rank in "01"] == [1, 0]
