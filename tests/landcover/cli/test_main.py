import inspect
import subprocess
import sys

import pytest
import torch
import yaml
from conftest import ROOT, landcover

from landcover.cli import arguments as shared
from landcover.cli import evaluate, main
from landcover.cli.network_table import model_table
from landcover.inference import prediction, tiling
from landcover.models.networks import MODELS, Architecture, backbones_of, build
from landcover.system import devices


def test_models_lists_what_fits_with_its_size_cost_and_stride(tmp_path):
    done = landcover("models", "--model", "baseline", "--classes", "8", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    heading, row, note = done.stdout.splitlines()
    assert heading.split() == ["model", "backbone", "parameters", "GFLOPs", "at", "512x512", "stride"]
    assert row.split() == ["baseline", "-", "155,976", "6.3", "16"]
    assert len(row) == len(heading)
    assert "multiply-add is two" in note


@pytest.mark.parametrize("backbone", ["vgg11", "mobilenet_v3_large", "convnext_tiny"])
def test_the_table_has_a_row_for_every_model_that_works_on_a_backbone(backbone):
    expected = [model for model in MODELS if backbone in backbones_of(model)]
    assert [(row.model, row.backbone) for row in model_table(backbone=backbone)] == [(m, backbone) for m in expected]


def test_the_table_has_a_row_for_every_backbone_that_a_model_works_on():
    assert [row.backbone for row in model_table("deeplabv3")] == list(backbones_of("deeplabv3"))


@pytest.mark.parametrize("pair", [("fcn1s", "resnet18"), ("fcn8s_deconv5", "mobilenet_v2"), ("deeplabv3", "resnet50")])
def test_the_rows_are_those_of_the_network(pair):
    (row,) = model_table(*pair, classes=5)
    with torch.device("meta"):
        network = build(Architecture(*pair), 5)
    assert row.parameters == sum(weights.numel() for weights in network.parameters())
    assert row.stride == network.stride


def test_a_multiply_add_counts_two():
    (row,) = model_table("baseline", classes=8)
    pixels = 512 * 512
    fine = 9 * (3 * 16 + 16 * 32) * pixels
    coarse = 9 * (32 * 64 + 64 * 128) * pixels // 16
    # Each output pixel of a transposed convolution of kernel 2 and stride 2 has one weight of each input channel.
    up = (128 * 64 // 64 + 64 * 64 // 16 + 64 * 32 // 4 + 32 * 8) * pixels
    assert row.gflops == pytest.approx(2 * (fine + coarse + up) / 1e9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "fcn9s"], "error: no model 'fcn9s'; there are fcn32s, "),
        (["--backbone", "vgg"], "error: no backbone 'vgg'; there are vgg11, "),
        (["--model", "deeplabv3", "--backbone", "vgg16"], "error: deeplabv3 does not work on vgg16, but on resnet50, "),
        (
            ["--model", "baseline", "--backbone", "vgg16"],
            "error: baseline does not work on vgg16, but on an encoder of",
        ),
        (["--classes", "0"], "error: --classes 0: give a number from 1"),
    ],
)
def test_models_says_what_there_is(arguments, message, monkeypatch):
    monkeypatch.setattr("sys.argv", ["landcover", "models", *arguments])
    with pytest.raises(SystemExit) as end:
        main.main()
    assert end.value.code.startswith(message)
    assert "\n" not in end.value.code


def test_the_choices_are_those_of_the_library():
    assert tuple(prediction.TTA) == shared.VIEWS
    assert shared.DEVICES == devices.DEVICES
    assert shared.ALIGNMENT == tiling.ALIGNMENT


def test_help_imports_nothing_heavy(tmp_path):
    code = "import sys; from landcover.cli import main; sys.argv = ['landcover', '--help']\n"
    code += "try: main.main()\nexcept SystemExit: pass\nassert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"landcover predict" in done.stdout


def test_the_defaults_are_those_of_the_parameters():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert params["evaluate"]["resamples"] == evaluate.RESAMPLES
    tiled = {name: params["predict"][name] for name in ("window", "overlap", "batch_size")}
    assert tiled == {"window": shared.WINDOW, "overlap": shared.OVERLAP, "batch_size": shared.BATCH_SIZE}
    assert inspect.getfullargspec(prediction.label_strips).kwonlydefaults == tiled | {"probabilities": None}


@pytest.mark.parametrize("command", ["predict", "evaluate", "compare", "validate", "export"])
def test_help_of_the_commands_has_examples_and_exit_codes(command, tmp_path):
    text = landcover(command, "--help", folder=tmp_path).stdout
    assert f"  landcover {command} " in text
    assert "exit codes:" in text


@pytest.mark.parametrize(
    "command", [[], ["predict"], ["evaluate"], ["compare"], ["validate"], ["export"], ["info"], ["models"]]
)
def test_help_has_examples(command, tmp_path):
    done = landcover(*command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert f"  landcover {' '.join(command)}" in done.stdout.split("examples:\n")[1]
