"""The stages that workers do: the same files, whoever does the work."""

import re
from pathlib import Path

import pytest
from distributed import LocalCluster
from scene_projects import scenes_in

from landcover.system.errors import LandcoverError
from stages import evaluate, predict, prepare, train
from stages.common.params import read_block
from stages.common.scale_block import Scale

OUTPUTS = {
    prepare: ["data/prepared", "plots/data.csv"],
    predict: ["data/predictions"],
    evaluate: ["metrics/evaluate.json", "plots/iou.csv", "plots/confusion.csv", "plots/samples.png"],
}


@pytest.fixture(scope="module")
def scheduler():
    """Address of a scheduler with two workers, threads of this process."""
    options = {"processes": False, "threads_per_worker": 1, "protocol": "tcp", "dashboard_address": None}
    with LocalCluster(n_workers=2, **options) as cluster:
        yield cluster.scheduler_address


def made(stage) -> dict[str, bytes]:
    """What a stage makes: its outputs by path."""
    stage.main()
    paths = [path for output in map(Path, OUTPUTS[stage]) for path in [output, *output.rglob("*")] if path.is_file()]
    return {str(path): path.read_bytes() for path in paths}


@pytest.fixture
def briefly(project):
    """The project, with the shortest training; returns a function that changes its parameters."""
    project(train={"model": "baseline", "epochs": 1, "steps": 1})
    return project


def all_made() -> dict[str, bytes]:
    """What the three stages make, and the training between them."""
    found = made(prepare)
    if not Path("models").exists():
        train.main()
    return found | made(predict) | made(evaluate)


@pytest.mark.parametrize("layout", ["pairs", pytest.param("scenes", marks=pytest.mark.long)])
def test_workers_make_the_same_files(briefly, scheduler, capsys, layout):
    if layout == "scenes":
        scenes_in(briefly)
    alone, printed = all_made(), capsys.readouterr()
    briefly(scale={"scheduler": scheduler, "block": 512})
    assert all_made() == alone
    again = capsys.readouterr()
    assert set(again.out.splitlines()) <= set(printed.out.splitlines())
    new = set(again.err.splitlines()) - set(printed.err.splitlines())
    assert all(line.startswith("note: 2 workers, to be watched at ") for line in new)


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("layout", ["pairs", "scenes"])
def test_processes_make_the_same_files(briefly, layout, workers, capfd):
    if layout == "scenes":
        scenes_in(briefly)
    alone = all_made()
    capfd.readouterr()
    briefly(scale={"workers": workers, "block": 512})
    assert all_made() == alone
    assert "Warning" not in capfd.readouterr().err


def test_scenes_that_are_drawn_are_not_drawn_again_after_a_failure(briefly, scheduler, monkeypatch):
    scenes_in(briefly)
    alone = all_made()
    briefly(scale={"scheduler": scheduler, "block": 512})
    south = Path("data/south.tif")
    whole = south.read_bytes()
    south.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LandcoverError, match=r"south\.tif"):
        predict.main()
    blocks = {path: path.stat().st_ino for path in predict.BLOCKS.glob("north_mask.blocks/r*.tif")}
    assert blocks
    south.write_bytes(whole)
    with monkeypatch.context() as patch:
        patch.setattr("landcover.scale.maps.forget_blocks", lambda _: None)
        predict.main()
    assert {path: path.stat().st_ino for path in blocks} == blocks
    again = made(predict)
    assert again == {name: alone[name] for name in again}
    assert not list(predict.BLOCKS.iterdir())


def test_broken_files_are_named_as_ever(project, scheduler):
    Path("data/train/a_sat.png").write_bytes(b"")
    Path("data/validation/b_mask.png").write_bytes(b"")
    lines = []
    for scale in ({}, {"scheduler": scheduler}):
        project(scale=scale)
        with pytest.raises(LandcoverError) as error:
            prepare.main()
        lines.append(error.value.lines)
    assert lines[0] == lines[1]
    assert len(lines[0]) == 2
    assert not Path("data/prepared").exists()


def test_workers_and_torchrun_at_once_are_an_error(briefly, monkeypatch):
    prepare.main()
    train.main()
    briefly(scale={"workers": 2})
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(LandcoverError, match=r"^params\.yaml: launch starts 2 processes for predict, but scale asks"):
        predict.main()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (
            {"workers": 2, "scheduler": "tcp://a:1"},
            "scale.workers = 2: are processes of this machine, but scheduler = ",
        ),
        ({"workers": -1}, "scale.workers = -1: should be greater than or equal to 0."),
        ({"block": 100}, "scale.block = 100: should be a multiple of 512."),
        ({"block": 0}, "scale.block = 0: should be greater than or equal to 512."),
        ({"scheduler": ""}, "scale.scheduler = '': "),
    ],
)
def test_impossible_values_are_errors(project, values, line):
    project(scale=values)
    with pytest.raises(LandcoverError, match=f"^params.yaml: {re.escape(line)}"):
        read_block("scale", Scale)
