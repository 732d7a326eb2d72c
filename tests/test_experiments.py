"""experiments.sh: each line is an experiment that can start. Its commands are looked at, not run."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import torch
import yaml

from landcover.models.networks import build
from landcover.training.recipe import Recipe
from stages.docs import KINDS

ROOT = Path(__file__).parents[1]
MODELS = {
    "ten-minutes": ["fcn8s"] * 3,
    "hour": ["fcn8s"],
    "three-hours": ["fcn8s"],
    "two-cores": ["fcn8s", "fcn16s", "fcn32s", "fcn8s"],
    "search": ["fcn8s"] * 5,
    "one-gpu": ["fcn32s_deconv1", "fcn32s_deconv5", "fcn8s_deconv5", "baseline", "fcn8s", "fcn16s", "deeplabv3"],
    "quarter-gpu": ["deeplabv3plus", "upernet", "fcn8s", "fcn8s"],
}


def commands(block: str, folder: Path, *, dvc: bool = True, **environment: str) -> list[list[str]]:
    """Commands that a block has recorded: the arguments of a `python` that only writes them down, a null after each."""
    for name in ("python", "dvc") if dvc else ("python",):
        (folder / name).write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" "" >> {folder}/calls\n')
        (folder / name).chmod(0o755)
    path = f"{folder}:/usr/bin:/bin"
    subprocess.run([ROOT / "experiments.sh", block], env={**os.environ, "PATH": path, **environment}, check=True)
    calls = [call.split("\0") for call in (folder / "calls").read_text().split("\0\0")[:-1]]
    assert calls.pop() == ["-m", "results"]
    assert all(call[:2] == ["-m", "results.record"] for call in calls)
    return [call[2:] for call in calls]


def with_options(options: list[str]) -> dict:
    """params.yaml as `dvc exp run` with these options would change it."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for flag, option in zip(options[::2], options[1::2], strict=True):
        block, key, value = re.fullmatch(r"(\w+)\.(\w+)=(.+)", option).groups()
        assert flag == "-S"
        assert key in params[block]
        params[block][key] = yaml.safe_load(value)
    return params


@pytest.mark.parametrize("block", MODELS)
def test_every_line_has_possible_parameters_and_a_network(block, tmp_path):
    trained, architectures = [], set()
    for name, *command in commands(block, tmp_path):
        assert name.startswith(block)
        assert command[:4] == ["dvc", "exp", "run", "evaluate"]
        params = with_options(command[4:])
        for key, kind in KINDS.items():
            kind.model_validate(params[key])
        train = Recipe.model_validate(params["train"])
        architectures.add(train.architecture())
        trained.append(train.model)
    assert trained == MODELS[block]
    for architecture in architectures:
        with torch.device("meta"):
            build(architecture, 6)


def test_weights_may_come_from_a_file(tmp_path):
    for _, *command in commands("two-cores", tmp_path, WEIGHTS="data/w.pt"):
        assert "train.weights=data/w.pt" in command


def test_without_dvc_the_stages_run_by_themselves(tmp_path):
    with_dvc, without = tmp_path / "with", tmp_path / "without"
    with_dvc.mkdir()
    without.mkdir()
    expected = commands("quarter-gpu", with_dvc)
    for (name, *command), (expected_name, *dvc_command) in zip(
        commands("quarter-gpu", without, dvc=False), expected, strict=True
    ):
        assert name == expected_name
        assert command[:3] == ["python", "-m", "stages"]
        assert command[3:] == dvc_command[4:]


def test_another_block_is_refused():
    done = subprocess.run([ROOT / "experiments.sh", "two-gpus"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "two-cores | search | one-gpu | quarter-gpu" in done.stderr
