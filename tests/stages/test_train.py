"""The train stage as a process of its own: killed, stopped, and in company."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from conftest import BACKBONE, ROOT, read_table

from landcover.models.combining import combined
from landcover.models.model_file import load_model, save_model
from landcover.system.errors import LandcoverError
from stages import evaluate, predict, prepare, train

PYTHON = [sys.executable, "-m"]
TORCHRUN = [*PYTHON, "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]


def start(*command: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def finish(process: subprocess.Popen) -> str:
    """What a process prints, which must succeed."""
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, output + errors
    return output


def results() -> list[bytes]:
    return [path.read_bytes() for path in (train.MODEL, train.METRICS, train.CURVES)]


def stop(number: int, after: int, pause: float = 0.0) -> subprocess.Popen:
    """Send a signal to a training when it has said so many lines."""
    process = start(*PYTHON, "stages.train")
    for _ in range(after):
        assert process.stdout.readline().strip(), process.stderr.read()
    try:
        process.wait(pause)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    return process


def test_several_networks_are_those_of_each_seed_and_one_model(project, capsys):
    project(train={"epochs": 2, "seed": 5})
    prepare.main()
    alone, curves = [], []
    for seed in (5, 6):
        project(train={"seed": seed})
        train.main()
        alone.append(load_model(train.MODEL))
        curves += read_table(train.CURVES)
    project(train={"seed": 5, "networks": 2})
    capsys.readouterr()
    train.main()
    said = capsys.readouterr().out.splitlines()
    name = f"fcn8s on {BACKBONE}"
    assert said == [
        "network 1 of 2, seed 5",
        "network 2 of 2, seed 6",
        f"models/model.safetensors: 2 x {name}, of epochs 2, 2",
    ]
    save_model(combined(alone), "combined")
    assert train.MODEL.read_bytes() == Path("combined").read_bytes()
    rows = read_table(train.CURVES)
    assert [row.pop("epoch") for row in rows] == ["1", "2", "3", "4"]
    assert rows == [{key: value for key, value in row.items() if key != "epoch"} for row in curves]
    assert not train.CHECKPOINTS.exists()
    predict.main()
    evaluate.main()
    scores = json.loads(train.METRICS.read_text())
    expected = json.loads(Path("metrics/evaluate.json").read_text())["mean_iou"]
    assert (scores["epoch"], scores["tile_mean_iou"]) == (4, pytest.approx(expected, abs=2e-4))
    assert scores["parameters"] == 2 * sum(weights.numel() for weights in alone[0].network.parameters())


@pytest.mark.long
@pytest.mark.parametrize("networks", [1, 3])
def test_killed_at_a_random_moment_it_goes_on_and_ends_in_the_same_bytes(networks, project):
    project(train={"model": "fcn1s", "networks": networks, "epochs": 2, "steps": 3, "log_every": 1})
    project(train={"checkpoint_minutes": 0, "keep": "best"})
    prepare.main()
    train.main()
    undisturbed = results()
    train.MODEL.unlink()
    # Of several networks, in the second. test_kill.py kills more often.
    process = stop(signal.SIGKILL, 3 if networks == 1 else 10, random.Random(0).uniform(0, 0.2))
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not train.MODEL.exists()
    checkpoint = "train.pt" if networks == 1 else "train-2.pt"
    assert f"checkpoints/{checkpoint}: going on after epoch " in finish(start(*PYTHON, "stages.train"))
    assert results() == undisturbed
    assert not train.CHECKPOINTS.exists()


def test_ctrl_c_finishes_the_batch_saves_and_says_how_to_go_on(project, capsys):
    project(train={"epochs": 3, "steps": 50, "log_every": 1})
    prepare.main()
    process = stop(signal.SIGINT, 3)
    output, errors = process.communicate()
    assert process.returncode == 1
    place = output.splitlines()[-1].split(":")[0]
    assert errors == f"interrupted: stopped after {place}. Run the same command again to go on from there.\n"
    project(train={"epochs": 1, "steps": 2})
    capsys.readouterr()
    train.main()
    assert capsys.readouterr().out.startswith(
        "checkpoints/train.pt: of other params, data or code, not used: training starts anew.\n"
    )


@pytest.mark.long
def test_two_processes_train_like_one_and_predict_the_same(project):
    project(train={"backbone": "vgg11", "epochs": 2, "steps": 3, "batch_size": 4, "lr": 1e-3, "warmup": 0})
    prepare.main()
    curves, masks = [], []
    for command in (PYTHON, TORCHRUN):
        finish(start(*command, "stages.train"))
        curves.append(read_table(train.CURVES))
    for command in (PYTHON, TORCHRUN):  # with the same model
        said = finish(start(*command, "stages.predict"))
        assert said.startswith("data/predictions: 3 masks, labelled by onnxruntime ")
        masks.append({path.name: path.read_bytes() for path in predict.PREDICTIONS.iterdir()})
    assert masks[0] == masks[1]
    for one, two in zip(*curves, strict=True):
        assert {k: float(v) for k, v in one.items()} == pytest.approx({k: float(v) for k, v in two.items()}, abs=1e-4)


@pytest.mark.long
def test_two_processes_train_several_networks_like_one(project):
    project(train={"backbone": "vgg11", "networks": 2, "epochs": 1, "steps": 2, "batch_size": 4, "lr": 1e-3})
    prepare.main()
    figures = []
    for command in (PYTHON, TORCHRUN):
        assert "network 2 of 2, seed 1\n" in finish(start(*command, "stages.train"))
        figures.append(json.loads(train.METRICS.read_text()))
    assert figures[0] == pytest.approx(figures[1], abs=1e-3)


@pytest.mark.long
def test_two_processes_go_on_where_they_were_stopped(project):
    project(train={"epochs": 2, "steps": 20, "log_every": 1, "batch_size": 4})
    prepare.main()
    process = start(*TORCHRUN, "stages.train")
    for _ in range(3):
        assert process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    _, errors = process.communicate()
    assert "Run the same command again to go on from there." in errors
    assert "checkpoints/train.pt: going on after epoch 1, batch " in finish(start(*TORCHRUN, "stages.train"))
    stopped = results()
    train.MODEL.unlink()
    finish(start(*TORCHRUN, "stages.train"))
    assert results() == stopped


def test_a_training_that_diverges_is_one_line_and_no_model(project, programs):
    project(train={"lr": 1e30, "warmup": 0})
    prepare.main()
    done = programs.run("stages.train", folder=Path.cwd())
    assert done.returncode == 1
    assert done.stderr.startswith("error: epoch 1, batch 2: the ")
    assert done.stderr.count("\n") == 1
    assert not train.MODEL.exists()


def test_training_starts_from_the_weights_of_a_file(project, capsys):
    project(train={"backbone": "resnet18", "epochs": 1, "steps": 1, "lr": 1e-9, "weights": "given.pth"})
    prepare.main()
    torch.manual_seed(5)
    given = torchvision.models.resnet18(weights=None)
    torch.save(given.state_dict(), "given.pth")
    train.main()
    assert "initial weights of resnet18: given.pth\n" in capsys.readouterr().out
    model = load_model(train.MODEL)
    assert model.origin.weights == "given.pth"
    trained = model.network.backbone.state_dict()
    ours, theirs = trained["network.layer4.1.conv2.weight"], given.layer4[1].conv2.weight.data
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    project(train={"backbone": "resnet50"})
    with pytest.raises(LandcoverError, match=r"^given\.pth: does not fit the backbone resnet50 \(layer1\.0\."):
        train.main()
