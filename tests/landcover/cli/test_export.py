import inspect
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch
import yaml
from conftest import ROOT, landcover_process

from landcover.cli import export, main
from landcover.export.onnx_export import export_onnx
from landcover.export.options import RESOLUTION
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build


@pytest.fixture
def folder(classes, tmp_path, monkeypatch):
    """With a small model, m.safetensors; the current one."""
    monkeypatch.chdir(tmp_path)
    architecture = Architecture("baseline", None)
    with torch.random.fork_rng():
        save_model(Model(build(architecture, 3), classes, 1.0), tmp_path / "m.safetensors")
    return tmp_path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["landcover", "export", *arguments])
    main.main()


def metadata(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_modelmeta().custom_metadata_map


def test_export_says_what_it_wrote_and_what_to_tell_it(folder):
    done = landcover_process("export", "m.safetensors", "-o", "new/model.onnx", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    first, note = done.stdout.splitlines()
    assert first == "new/model.onnx: baseline, 3 classes, input (batch, 3, 512, 512), opset 18, 0.6 MB"
    assert note.startswith("note: its metadata says 10 cm per pixel: ")
    assert [path.name for path in (folder / "new").iterdir()] == ["model.onnx"]


def test_the_options_reach_the_file(folder, monkeypatch, capfd):
    Path("a.onnx").write_bytes(b"replaced")
    run(monkeypatch, "m.safetensors", "-o", "a.onnx", "--tile-size", "96", "--overlap", "0.3", "--resolution", "31.5")
    assert capfd.readouterr().out == "a.onnx: baseline, 3 classes, input (batch, 3, 96, 96), opset 18, 0.6 MB\n"
    found = metadata("a.onnx")
    assert (found["tile_size"], found["tiles_overlap"], found["resolution"]) == ("96", "30", "31.5")


@pytest.mark.long
def test_quiet_is_quiet_and_dynamic_leaves_sizes_free(folder, monkeypatch, capfd):
    run(monkeypatch, "m.safetensors", "-o", "a.onnx", "--dynamic", "--quiet")
    assert capfd.readouterr() == ("", "")
    (image,) = onnxruntime.InferenceSession("a.onnx", providers=["CPUExecutionProvider"]).get_inputs()
    assert image.shape == ["batch", 3, "height", "width"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.safetensors"], 1, "error: none.safetensors: no such file."),
        (["m.safetensors", "--tile-size", "100"], 2, "'--tile-size': 100: give a multiple of 32 from 64"),
        (["m.safetensors", "--overlap", "0.9"], 2, "'--overlap': 0.9: give a number from 0 to below 0.9"),
        (["m.safetensors", "--resolution", "0"], 2, "'--resolution': 0: give a number above 0"),
        (["m.safetensors", "--resolution", "nan"], 2, "'--resolution': nan: give a number above 0"),
        (["m.safetensors", "--resolution", "inf"], 2, "'--resolution': inf: give a number above 0"),
    ],
)
def test_export_says_what_is_wrong_and_writes_nothing(arguments, code, message, folder, monkeypatch, capsys):
    with pytest.raises(SystemExit) as end:
        run(monkeypatch, *arguments, "-o", "out/a.onnx")
    assert message in (capsys.readouterr().err if code == 2 else end.value.code)
    assert not Path("out").exists()


def test_without_its_packages_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SystemExit) as end:
        run(monkeypatch, "m.safetensors", "-o", "a.onnx")
    assert end.value.code.startswith("error: ONNX files need the package onnx. Install")
    assert "\n" not in end.value.code


def test_the_defaults_are_those_of_the_library_and_of_the_parameters():
    defaults = {param.name: param.default for param in export.export.params}
    library = inspect.getfullargspec(export_onnx).kwonlydefaults
    for name in ("tile_size", "overlap"):
        assert defaults[name] == library[name]
    assert library["resolution"] == RESOLUTION
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert params["predict"]["window"] == library["tile_size"]
