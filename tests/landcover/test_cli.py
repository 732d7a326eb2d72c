import subprocess
import sys

import pytest
import torch

from landcover import cli, devices, inference
from landcover.model_file import Model, save_model
from landcover.models import build
from landcover.samples import read_rgb


def landcover(*arguments, folder):
    command = [sys.executable, "-m", "landcover", *map(str, arguments)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def model(classes, tmp_path):
    torch.manual_seed(0)
    save_model(Model(build("fcn8s", "resnet18", 3), "fcn8s", "resnet18", classes, 1.0), tmp_path / "m.safetensors")


def test_predict_takes_folders_and_single_pictures(model, pairs, tmp_path):
    (pairs / "0001_sat.png").rename(tmp_path / "town.png")
    done = landcover("predict", "pairs", "town.png", "-m", "m.safetensors", "-o", "out/maps", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    sizes = {path.name: read_rgb(path).shape[:2] for path in (tmp_path / "out" / "maps").iterdir()}
    assert sizes == {"0000_mask.png": (40, 40), "town_mask.png": (33, 57), "0002_mask.png": (70, 21)}


def test_an_error_is_one_line(model, tmp_path):
    done = landcover("predict", "nowhere.jpg", "-m", "m.safetensors", "-o", "out", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [done.stderr.rstrip("\n")]
    assert "nowhere.jpg" in done.stderr


def test_the_choices_are_those_of_the_library():
    assert tuple(inference.TTA) == cli.VIEWS
    assert cli.DEVICES == devices.DEVICES


def test_help_imports_nothing_heavy(tmp_path):
    code = "import sys; from landcover import cli; sys.argv = ['landcover', '--help']\n"
    code += "try: cli.main()\nexcept SystemExit: pass\nassert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"landcover predict" in done.stdout
