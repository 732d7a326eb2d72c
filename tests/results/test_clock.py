"""The time of an experiment whose training is interrupted."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from results.clock import CHECKPOINT, NOTES, Clock
from results.record import run_experiment

TRAIN = """
import sys
from pathlib import Path
print("Running stage 'train':", flush=True)
checkpoint = Path("checkpoints/train.pt")
checkpoint.parent.mkdir(exist_ok=True)
if not checkpoint.exists():
    checkpoint.write_text("epoch 1")
    sys.exit("interrupted")
checkpoint.unlink()
"""
"""Is interrupted the first time, and goes on the second."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())


def long_ago(seconds: float) -> None:
    """Pretend that the sitting before took that long."""
    NOTES.write_text(json.dumps(json.loads(NOTES.read_text()) | {"seconds": seconds}))


def test_all_sittings_of_an_experiment_count():
    command = [sys.executable, "-c", TRAIN]
    with pytest.raises(SystemExit):
        run_experiment(command, "1234567")
    long_ago(9 * 60)
    params, minutes = run_experiment(command, "1234567")
    assert minutes == 9
    assert params["train"] == yaml.safe_load((ROOT / "params.yaml").read_text())["train"]
    assert not NOTES.parent.exists()


def test_a_training_that_goes_on_after_unknown_sittings_has_no_time():
    Clock("1234567", "a").note()
    CHECKPOINT.touch()
    long_ago(540)
    assert Clock("1234567", "a").minutes() == 9
    assert Clock("7654321", "a").minutes() is None
    Clock("7654321", "a").note()
    assert Clock("1234567", "a").minutes() == 9  # nothing is written where nothing is known
    NOTES.unlink()
    assert Clock("1234567", "a").minutes() is None


def test_what_left_no_checkpoint_does_not_count():
    Clock("1234567", "a").note()
    long_ago(540)
    assert Clock("1234567", "a").minutes() == 1
