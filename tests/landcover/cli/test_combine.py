import json

import numpy as np
import pytest
import torch
from conftest import landcover, write_geotiff

from landcover.api.labelling import load_model
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build
from landcover.system.errors import LandcoverError


@pytest.fixture
def both(model_file, classes, tmp_path):
    """A second model, n.safetensors, beside m.safetensors."""
    torch.manual_seed(1)
    save_model(Model(build(Architecture("fcn16s", "resnet18"), 3), classes, 1.0), tmp_path / "n.safetensors")
    return "m.safetensors", "n.safetensors"


def test_combine_writes_one_file_that_is_used_as_any_other(both, pairs, tmp_path):
    done = landcover("combine", *both, "-o", "all.safetensors", folder=tmp_path)
    size = (tmp_path / "all.safetensors").stat().st_size / 1e6
    line = f"all.safetensors: fcn8s on resnet18 + fcn16s on resnet18, {size:.1f} MB\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, line, "")
    info = landcover("info", "all.safetensors", folder=tmp_path).stdout.splitlines()
    assert info[0] == "model: ensemble"
    assert "network 2: fcn16s" in info
    assert info.count("  backbone: resnet18") == 2
    content = json.loads(landcover("info", "all.safetensors", "--json", folder=tmp_path).stdout)
    assert [member["model"] for member in content["members"]] == ["fcn8s", "fcn16s"]
    as_file = landcover("validate", "pairs", "-m", "all.safetensors", "--json", folder=tmp_path)
    as_files = landcover("validate", "pairs", "-m", both[0], "-m", both[1], "--json", folder=tmp_path)
    assert as_file.returncode == 0
    assert json.loads(as_file.stdout) == json.loads(as_files.stdout)


def test_predict_averages_several_models(both, pairs, tmp_path):
    landcover("combine", *both, "-o", "all.safetensors", "-q", folder=tmp_path)
    several = landcover("predict", "pairs", "-m", both[0], "-m", both[1], "-o", "several", folder=tmp_path)
    assert (several.returncode, several.stderr) == (0, "")
    landcover("predict", "pairs", "-m", "all.safetensors", "-o", "one", folder=tmp_path)
    landcover("predict", "pairs", "-m", both[0], "-o", "first", folder=tmp_path)
    masks = [
        [path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in ("several", "one", "first")
    ]
    assert masks[0] == masks[1] != masks[2]


@pytest.mark.long
def test_workers_average_them_too(both, pairs, tmp_path):
    options = ("predict", "pairs", "-m", both[0], "-m", both[1], "-q")
    landcover(*options, "-o", "alone", folder=tmp_path)
    done = landcover(*options, "-o", "many", "--workers", 1, folder=tmp_path)
    assert done.returncode == 0
    alone, many = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("alone", "many"))
    assert alone == many


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("combine", "m.safetensors", "-o", "a"), "error: 1 model: from 2 to 64 can be combined."),
        (("combine", "m.safetensors", "none", "-o", "a"), "error: none: no such file."),
        (("combine", "m.safetensors", "n.safetensors", "-o", "n.safetensors"), "error: n.safetensors: "),
        (("predict", "pairs", "-m", "m.safetensors", "-m", "none", "-o", "a"), "error: none: no such file."),
        (("predict", "pairs/0001_sat.png", "-m", "m.safetensors", "-m", "n.png", "-o", "n.png"), "error: n.png: "),
    ],
)
def test_what_is_wrong_is_a_line_and_nothing_is_written(arguments, message, both, pairs, tmp_path):
    (tmp_path / "n.png").write_bytes((tmp_path / both[1]).read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = landcover(*arguments, folder=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(message)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_in_python_several_models_label_as_one_and_none_is_replaced(both, pairs, tmp_path):
    model = load_model([tmp_path / name for name in both])
    assert model.path is None
    assert repr(str(tmp_path / both[1])) in repr(model)
    image = tmp_path / "pairs" / "0001_sat.png"
    alone = [load_model(tmp_path / name).probabilities(image) for name in both]
    assert model.probabilities(image) == pytest.approx(sum(alone) / 2, abs=1e-5)
    write_geotiff(tmp_path / "s.tif", np.zeros((3, 40, 40), np.uint8))
    content = (tmp_path / both[1]).read_bytes()
    with pytest.raises(LandcoverError, match=both[1]):
        model.predict_map(tmp_path / "s.tif", tmp_path / both[1])
    assert (tmp_path / both[1]).read_bytes() == content
