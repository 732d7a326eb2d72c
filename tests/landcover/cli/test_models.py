import pytest
import torch
from conftest import landcover

from landcover.cli.network_table import list_networks, match_backbones
from landcover.models.encoders import RECOMMENDED
from landcover.models.networks import MODELS, Architecture, build


def test_models_lists_what_fits_with_its_size_cost_and_stride(tmp_path):
    done = landcover("models", "--model", "baseline", "--classes", "8", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    heading, row, note = done.stdout.splitlines()
    assert heading.split() == ["model", "backbone", "parameters", "GFLOPs", "at", "512x512", "stride"]
    assert row.split() == ["baseline", "-", "155,976", "6.3", "16"]
    assert len(row) == len(heading)
    assert "multiply-add is two" in note


@pytest.mark.long
def test_by_default_all_models_and_all_recommended_backbones_are_listed(tmp_path):
    done = landcover("models", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split("\n\n")
    assert {row.split()[0] for row in first.splitlines()[1:]} == MODELS.keys()
    assert [row.split()[1] for row in second.splitlines()[1:-1]] == list(RECOMMENDED)


def test_the_table_has_a_row_for_every_model_that_works_on_a_backbone():
    rows = [(row.model, row.backbone) for row in list_networks(backbone="vgg11")]
    refused = {"baseline", "pspnet", "deeplabv3", "deeplabv3plus"}  # has its own encoder; cannot dilate VGG
    assert rows == [(model, "vgg11") for model in MODELS if model not in refused]


def test_the_table_has_a_row_for_every_backbone_that_a_model_works_on():
    names = [row.backbone for row in list_networks("fcn2s", "[mc]o*")]
    assert names == ["mobilenet_v2", "mobilenet_v3_large"]  # not convnext_tiny, which has no features at stride 2


def test_patterns_match_the_recommended_backbones_or_all():
    assert match_backbones("resnet1*") == ["resnet18", "resnet101"]
    every = match_backbones("resnet1*", from_all=True)
    assert every[:2] == ["resnet18", "resnet101"]
    assert {"resnet10t", "resnet152"} <= set(every)


def test_backbones_that_are_not_recommended_are_listed_by_name_and_by_pattern(tmp_path):
    done = landcover("models", "--all", "--model", "fcn8s", "--backbone", "mobilenetv4_conv_[sm]*l", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row.split()[:2] for row in done.stdout.splitlines()[1:-1]] == [["fcn8s", "mobilenetv4_conv_small"]]
    assert [row.model for row in list_networks(backbone="vit_tiny_patch16_224")] == ["fcn16s", "fcn1s"]


def test_all_lists_the_names_of_all_backbones(tmp_path):
    done = landcover("models", "--all", folder=tmp_path)
    names = done.stdout.splitlines()
    assert names[: len(RECOMMENDED)] == list(RECOMMENDED)
    assert "swin_tiny_patch4_window7_224" in names
    assert len(names) == len(set(names)) > 1000


@pytest.mark.parametrize("pair", [("fcn1s", "resnet18"), ("fcn8s_deconv5", "mobilenet_v2"), ("deeplabv3", "resnet50")])
def test_the_rows_are_those_of_the_network(pair):
    (row,) = list_networks(*pair, classes=5)
    with torch.device("meta"):
        network = build(Architecture(*pair), 5)
    assert row.parameters == sum(weights.numel() for weights in network.parameters())
    assert row.stride == network.stride


def test_a_multiply_add_counts_two():
    (row,) = list_networks("baseline", classes=8)
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
        (["--backbone", "vgg"], "error: no backbone 'vgg'; near are vgg11, "),
        (["--backbone", "resnet50.a9"], "error: no weights 'a9' of the backbone resnet50; there are a1_in1k, "),
        (["--backbone", "hf-hub:timm/resnet50"], "error: no backbone 'hf-hub:timm/resnet50'; near are "),
        (["--backbone", "cait_xxs24_224"], "error: `backbone` = cait_xxs24_224: has no features of images of every "),
        (["--backbone", "zz*"], "error: no recommended backbone matches 'zz*'; search all of them with --all"),
        (["--all", "--backbone", "zz*"], "error: no backbone matches 'zz*'"),
        (["--all", "--model", "fcn8s"], "error: --all --model fcn8s: give a pattern too, such as --backbone 'resnet*'"),
        (["--model", "deeplabv3", "--backbone", "vgg16"], "error: `backbone` = vgg16: cannot be dilated to stride 8"),
        (["--model", "baseline", "--backbone", "vgg16"], "error: baseline has an encoder of its own"),
        (["--classes", "0"], "error: --classes 0: give a number from 1"),
    ],
)
def test_models_says_what_there_is(arguments, message, tmp_path):
    done = landcover("models", *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
