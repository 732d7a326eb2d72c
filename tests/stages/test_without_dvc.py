"""`python -m stages`: the pipeline without DVC. Settings are tried out on the project's own params.yaml."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import draw_pair

from landcover.classes.class_table import DEEPGLOBE
from landcover.system.errors import LandcoverError
from stages.__main__ import STAGES, with_setting

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
TINY = (
    *("data.root=data/tiny", "prepare.tile=32", "prepare.max_off_palette=1.0", "train.model=fcn32s"),
    *("train.backbone=test_resnet", "train.weights=none"),
    *("train.epochs=1", "train.steps=1", "train.batch_size=2", "train.crop=32"),
    *("train.warmup=0", "predict.tta=none", "evaluate.resamples=100", "evaluate.samples=1"),
)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("train.lr=1e-3", "1e-3"),
        ("train.model=fcn8s", "fcn8s"),
        ("train.loss=cross_entropy + 0.5*dice", "cross_entropy + 0.5*dice"),
        ("train.class_weights=[1, 2, 3]", [1, 2, 3]),
        ("train.seed=7", 7),
        ("evaluate.seed=7", 7),
        ("data.ignore=null", None),
        ("predict.batch_size=8", 8),
        ('evaluate.samples=["0008", "0097"]', ["0008", "0097"]),
    ],
)
def test_a_setting_changes_one_value_and_no_comment(setting, value):
    changed = with_setting(TEXT, setting)
    block, key = setting.split("=")[0].split(".")
    before, after = yaml.safe_load(TEXT), yaml.safe_load(changed)
    assert after[block].pop(key) == value
    before[block].pop(key)
    assert after == before
    assert [line.partition("#")[2] for line in changed.splitlines()] == [
        line.partition("#")[2] for line in TEXT.splitlines()
    ]


@pytest.mark.parametrize("setting", ["train.rate=1", "learn.lr=1", "lr=1", "train.lr", "data.classes=1", "train.lr=[1"])
def test_what_cannot_be_set_is_refused(setting):
    with pytest.raises(LandcoverError, match="-S"):
        with_setting(TEXT, setting)


@pytest.fixture
def checkout(tmp_path):
    for name in ("stages", "src", "params.yaml", "dvc.yaml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    for split in ("train", "validation"):
        draw_pair(tmp_path / "data" / "tiny" / split, "a", 40, 40, table=DEEPGLOBE)
    return tmp_path


def stages(checkout: Path, *arguments: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "stages", *arguments]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.long
def test_the_pipeline_runs_and_repeats_only_what_other_parameters_change(checkout):
    settings = [part for setting in TINY for part in ("-S", setting)]
    first = stages(checkout, *settings)
    assert [stage for stage in STAGES if f"Running stage '{stage}'" in first] == list(STAGES)
    assert (checkout / "metrics" / "evaluate.json").exists()
    again = stages(checkout, *settings, "-S", "predict.tta=flip")
    assert [stage for stage in STAGES if f"Running stage '{stage}'" in again] == ["predict", "evaluate", "report"]
    assert "Running" not in stages(checkout)
    assert "Running stage 'evaluate'" in stages(checkout, "evaluate")


def test_a_stage_that_fails_ends_the_run_and_runs_again(checkout):
    settings = [part for setting in TINY for part in ("-S", setting)]
    assert "Running stage 'train'" not in stages(checkout, *settings, "-S", "prepare.tile=0", code=1)
    assert "Running stage 'prepare'" in stages(checkout, "prepare", "-S", "prepare.tile=32")


def test_an_unknown_stage_is_refused(checkout):
    assert "no stage 'repro'" in stages(checkout, "repro", code=1)
