import json
import re

import onnx
import onnxruntime
import pytest
from conftest import landcover
from PIL import Image

from landcover.models.model_file import load_model


def quantize(folder, *arguments, pairs=True):
    images = ("--calibrate", "pairs") if pairs else ()
    fixed = ("-o", "int8.safetensors", "--validate", "pairs")
    return landcover("quantize", "m.safetensors", *fixed, *images, *arguments, folder=folder)


def test_it_prints_what_it_costs_and_writes_a_model_that_all_commands_take(model_file, pairs, tmp_path):
    done = quantize(tmp_path, "--tolerance", "1")
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("mean IoU", "pixel accuracy", "same labels: ", "calibrated on: ", "processor: ", "times as fast"):
        assert text in done.stdout
    first = (tmp_path / "int8.safetensors").read_bytes()
    again = quantize(tmp_path, "--tolerance", "1", "--json")
    assert (tmp_path / "int8.safetensors").read_bytes() == first
    content = json.loads(again.stdout)
    int8 = load_model(tmp_path / "int8.safetensors").int8
    assert {key: content[key] for key in int8.to_json()} == int8.to_json()
    validated = landcover("validate", "pairs", "-m", "int8.safetensors", "--json", folder=tmp_path)
    scores = json.loads(validated.stdout)
    assert scores["engine"].endswith(", int8")
    assert scores["mean_iou"] == pytest.approx(content["mean_iou"], abs=1e-4)
    assert "int8: calibrated on" in landcover("info", "int8.safetensors", folder=tmp_path).stdout


def test_where_the_mean_iou_falls_too_far_nothing_is_written(model_file, pairs, tmp_path):
    (tmp_path / "black").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "black" / "night.png")  # by which no other image can be computed
    done = quantize(tmp_path, "--calibrate", "black", pairs=False)
    assert done.returncode == 1
    assert re.match(
        r"error: int8\.safetensors: not written, as the mean IoU falls by 0\.\d+, more than 0\.005\. ", done.stderr
    )
    assert len(done.stderr.splitlines()) == 1
    assert "mean IoU" in done.stdout
    assert not (tmp_path / "int8.safetensors").exists()


def test_its_integers_are_exported_for_onnxruntime(model_file, pairs, tmp_path):
    quantize(tmp_path, "--tolerance", "1")
    done = landcover(
        *("export", "int8.safetensors", "-o", "a.onnx", "--int8", "--tile-size", "64", "-q"), folder=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    steps = {node.op_type for node in onnx.load(tmp_path / "a.onnx").graph.node}
    assert {"QuantizeLinear", "Softmax"} <= steps
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    assert session.get_outputs()[0].shape == ["batch", 3, 64, 64]
    assert json.loads(session.get_modelmeta().custom_metadata_map["tile_size"]) == 64


def test_a_model_without_integers_cannot_export_them(model_file, tmp_path):
    done = landcover("export", "m.safetensors", "-o", "a.onnx", "--int8", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: a.onnx: the model has no integers of 8 bits.")
