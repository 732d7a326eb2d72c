import inspect
import subprocess
import sys

import pytest
import torch
import yaml
from conftest import ROOT, landcover, landcover_process

from landcover import arguments as shared
from landcover import cli, devices, inference, polygons, predict_command, scoring_commands, tiling
from landcover.classes import ClassTable
from landcover.model_file import Model, load_model, save_model
from landcover.model_table import model_table
from landcover.models import MODELS, Architecture, backbones_of, build


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
        cli.main()
    assert end.value.code.startswith(message)
    assert "\n" not in end.value.code


def test_info_says_what_a_model_is(model_file, tmp_path):
    done = landcover_process("info", "m.safetensors", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["model: fcn8s", "backbone: resnet18"]
    parameters = sum(weights.numel() for weights in load_model(tmp_path / "m.safetensors").network.parameters())
    assert lines[4:8] == [f"parameters: {parameters:,}", "stride: 8", "scale: 1.0", "classes:"]
    assert lines[8:] == ["  urban #00ffff", "  forest #00ff00", "  water #0000ff", "  unknown #000000, never predicted"]
    missing = landcover("info", "none.safetensors", folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("error: none.safetensors: no such file.")


def test_info_shows_all_colours_of_a_class(tmp_path):
    colours = {"land": (1, 1, 1), "sea": [(2, 2, 2), (3, 3, 3)], "none": [(155, 155, 155), (0, 0, 0)]}
    architecture = Architecture("baseline", None)
    model = Model(build(architecture, 2), architecture, ClassTable.of(colours, "none"), 1.0)
    save_model(model, tmp_path / "m.safetensors")
    assert landcover("info", "m.safetensors", folder=tmp_path).stdout.splitlines()[-3:] == [
        "  land #010101",
        "  sea #020202, #030303",
        "  none #9b9b9b, #000000, never predicted",
    ]


def test_the_choices_are_those_of_the_library():
    assert tuple(inference.TTA) == shared.VIEWS
    assert shared.DEVICES == devices.DEVICES
    assert shared.ALIGNMENT == tiling.ALIGNMENT
    assert tuple(polygons.DRIVERS) == predict_command.POLYGON_SUFFIXES


def test_help_imports_nothing_heavy(tmp_path):
    code = "import sys; from landcover import cli; sys.argv = ['landcover', '--help']\n"
    code += "try: cli.main()\nexcept SystemExit: pass\nassert not {'torch', 'pandas', 'numpy'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"landcover predict" in done.stdout


def test_the_defaults_are_those_of_the_parameters():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert params["evaluate"]["resamples"] == scoring_commands.RESAMPLES
    tiled = {name: params["predict"][name] for name in ("window", "overlap", "batch_size")}
    assert tiled == {"window": shared.WINDOW, "overlap": shared.OVERLAP, "batch_size": shared.BATCH_SIZE}
    assert inspect.getfullargspec(inference.label_bands).kwonlydefaults == tiled | {"probabilities": None}


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
