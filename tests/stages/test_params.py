from pathlib import Path

import pytest
import yaml

from landcover.system.errors import LandcoverError
from landcover.training.recipe import Recipe
from stages.common.params import read_block
from stages.docs import KINDS
from stages.prepare import Prepare

COMMITTED = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def content(tmp_path, monkeypatch):
    """The committed parameters; what a test makes of them is written by `read`."""
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load(COMMITTED.read_text())


def read(content, block):
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return read_block(block, KINDS[block])


@pytest.mark.parametrize("block", KINDS)
def test_the_committed_parameters_are_accepted_and_all_commented(content, block):
    assert read(content, block)
    lines = [line for line in COMMITTED.read_text().splitlines() if line.startswith("  ") and '"#' not in line]
    assert [line for line in lines if "#" not in line] == []


@pytest.mark.parametrize("written", ["1e-05", "1e-5", "0.00001", "1.0e-5"])
def test_floats_as_dvc_writes_them_are_floats(content, written):
    content["train"]["lr"] = "REPLACED"
    Path("params.yaml").write_text(yaml.safe_dump(content).replace("REPLACED", written))
    assert read_block("train", Recipe).lr == 1e-5


def test_a_key_that_stands_twice_is_an_error(content):
    Path("params.yaml").write_text(COMMITTED.read_text().replace("  tile: 256", "  tile: 256\n  tile: 128", 1))
    with pytest.raises(LandcoverError, match=r"^params.yaml, line \d+: duplicate key 'tile'\. Remove one"):
        read_block("prepare", Prepare)


def test_an_integer_will_do_for_a_float(content):
    content["prepare"]["scale"] = 1
    assert read(content, "prepare").scale == 1.0


@pytest.mark.parametrize("colour", ["#0A141e", [10, 20, 30]])
def test_colours_are_hexadecimal_or_triples(content, colour):
    content["data"]["classes"]["urban"] = colour
    assert read(content, "data").table().colours["urban"] == (10, 20, 30)


def test_ignore_may_be_null(content):
    content["data"]["ignore"] = None
    assert len(read(content, "data").table()) == 7


BAD = [
    ("train", "modl", "fcn8s", "train.modl: no such key; train has model, backbone"),
    ("train", "model", "fcn9s", "train.model = 'fcn9s': should be one of fcn32s, fcn16s, fcn8s"),
    ("train", "model", 8, "train.model = 8: should be a valid string"),
    ("train", "backbone", "vgg", "train.backbone = 'vgg': no backbone 'vgg'; near are vgg11, vgg11_bn"),
    ("train", "epochs", 0, "train.epochs = 0: should be greater than or equal to 1"),
    ("train", "epochs", 2.5, "train.epochs = 2.5: should be a valid integer"),
    ("train", "epochs", True, "train.epochs = true: should be a valid integer"),
    ("train", "epochs", "ten", "train.epochs = 'ten': should be a valid integer"),
    ("train", "lr", -0.1, "train.lr = -0.1: should be greater than 0"),
    ("train", "lr", float("nan"), "train.lr = nan: should be a finite number"),
    ("train", "lr", "fast", "train.lr = 'fast': should be a valid number"),
    ("train", "lr", None, "train.lr = null: should be a valid number"),
    ("train", "lr", [1], r"train.lr = \[1\]: should be a valid number"),
    ("train", "ema", 1.0, "train.ema = 1.0: should be less than 1"),
    ("train", "class_weights", ["a", "b"], r"train.class_weights = \['a', 'b'\]: should be one of none, sqrt_inverse"),
    ("train", "class_weights", [1, float("nan")], r"train.class_weights = \[1, nan\]: should be one of none"),
    ("train", "loss", "huber", "train.loss = 'huber': should be one of cross_entropy, focal, dice, lovasz, or a sum"),
    ("train", "keep", "all", "train.keep = 'all': should be one of last, best"),
    ("train", "device", "gpu", "train.device = 'gpu': should be one of auto, cpu, cuda, mps"),
    ("prepare", "tile", -1, "prepare.tile = -1: should be greater than or equal to 1"),
    ("prepare", "scale", 0, "prepare.scale = 0.*: should be greater than 0"),
    ("prepare", "scale", 2.0, "prepare.scale = 2.0: should be less than or equal to 1"),
    ("prepare", "max_off_palette", 7, "prepare.max_off_palette = 7.*: should be less than or equal to 1"),
    ("predict", "tta", "all", "predict.tta = 'all': should be one of none, flip, d4"),
    ("predict", "scales", [], r"predict.scales = \[\]: should be different numbers from 0.25 to 4, at"),
    ("predict", "scales", [1, 5], r"predict.scales = \[1, 5\]: should be different numbers"),
    ("predict", "scales", [1, 1.0], r"predict.scales = \[1, 1.0\]: should be different numbers"),
    ("predict", "scales", 1, "predict.scales = 1: should be a valid list"),
    ("train", "freeze_stride", 3, "train.freeze_stride = 3: should be 0, 2, 4, 8, 16 or 32"),
    ("predict", "window", 100, "predict.window = 100: should be a multiple of 32"),
    ("predict", "window", 32, "predict.window = 32: should be greater than or equal to 64"),
    ("predict", "overlap", 0.9, "predict.overlap = 0.9: should be less than 0.9"),
    ("predict", "batch_size", 0, "predict.batch_size = 0: should be greater than or equal to 1"),
    ("evaluate", "samples", 0, "evaluate.samples.* = 0: should be greater than or equal to 1"),
    ("evaluate", "resamples", 10, "evaluate.resamples = 10: should be greater than or equal to 100"),
    ("evaluate", "samples", "0008", "evaluate.samples.* = '0008': should be a valid"),
    ("data", "bands", [], r"data.bands = \[\]: should be null, or a list of numbers"),
    ("data", "bands", "red", "data.bands = 'red': should be null, or a list of numbers"),
    ("data", "bands", [1.5], r"data.bands = \[1.5\]: should be null, or a list of numbers"),
    ("data", "bands", [True], r"data.bands = \[True\]: should be null, or a list of numbers"),
    ("data", "bands", [0, 1], r"data.bands = \[0, 1\]: should have numbers from 1 to"),
    ("data", "bands", [10**30], "data.bands = .*: should have numbers from 1 to"),
    ("data", "bands", ["red", "nir", "red"], "data.bands = .*: has 'red' twice. Name each band once"),
    ("data", "normalisation", "none", "data.normalisation = 'none': should be one of auto, imagenet, dataset"),
    ("data", "root", 5, "data.root = 5: should be a valid string"),
    ("data", "ignore", "none", "data.ignore = 'none' should be null or one of urban"),
    ("data", "classes", {"unknown": "#000000"}, "data.classes: 0 classes"),
    ("data", "classes", {"unknown": "#000000", "a": "#010101", "b": "#010101"}, "data.classes: 'a' and 'b' share"),
    ("data", "classes", {"unknown": None}, "data.classes.unknown = null: should be a colour"),
    ("data", "classes", {"unknown": "black"}, "data.classes.unknown = 'black': should be a colour"),
    ("data", "classes", {"unknown": [0, 0, 256]}, r"data.classes.unknown = \[0, 0, 256\]: should be a colour"),
    ("data", "classes", {"unknown": "#00000g"}, "data.classes.unknown = '#00000g': should be a colour"),
    ("data", "classes", ["a", "b"], "data.classes = .*: should be a valid dictionary"),
    ("data", "classes", {False: "#000000"}, "data.classes.*: should be a valid string"),
]


@pytest.mark.parametrize(("block", "key", "value", "message"), BAD)
def test_a_bad_value_is_refused_in_one_line_that_names_key_value_and_choice(content, block, key, value, message):
    content[block][key] = value
    with pytest.raises(LandcoverError, match=f"^params.yaml: {message}") as error:
        read(content, block)
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named(content):
    del content["train"]["lr"]
    with pytest.raises(LandcoverError, match=r"train\.lr: missing"):
        read(content, "train")


def test_unknown_and_missing_blocks_are_named(content):
    with pytest.raises(LandcoverError, match="trian: no such block"):
        read({**content, "trian": {}}, "train")
    with pytest.raises(LandcoverError, match="no block 'train'"):
        read({"data": content["data"]}, "train")
    with pytest.raises(LandcoverError, match="train = null: should be a table with the keys model, backbone"):
        read({**content, "train": None}, "train")


@pytest.mark.parametrize("text", ["a: [1", "", "just words", "\ttab: 1"])
def test_what_is_not_a_table_of_blocks_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(text)
    with pytest.raises(LandcoverError, match=r"^params.yaml") as error:
        read_block("train", Recipe)
    assert "\n" not in str(error.value)
