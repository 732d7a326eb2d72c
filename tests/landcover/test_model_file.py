import pickle

import pytest
import torch
from safetensors.torch import save_file

from landcover.errors import LandcoverError
from landcover.model_file import Model, load_model, save_model
from landcover.models import build


@pytest.fixture
def model(classes):
    torch.manual_seed(0)
    return Model(build("fcn8s", "mobilenet_v2", len(classes)).eval(), "fcn8s", "mobilenet_v2", classes, 0.5)


def test_a_saved_model_reads_back_with_all_that_is_needed_to_use_it(model, tmp_path):
    save_model(model, tmp_path / "models" / "a.safetensors")
    loaded = load_model(tmp_path / "models" / "a.safetensors")
    assert (loaded.architecture, loaded.backbone, loaded.scale) == ("fcn8s", "mobilenet_v2", 0.5)
    assert loaded.classes == model.classes
    assert not loaded.network.training
    weights = loaded.network.state_dict()
    assert all(weights[name].equal(tensor) for name, tensor in model.network.state_dict().items())
    image = torch.rand(1, 3, 40, 50)
    with torch.inference_mode():  # equal but for rounding: a loaded network is laid out in memory channels last
        torch.testing.assert_close(loaded.network(image), model.network(image))


def test_the_same_model_gives_the_same_bytes(model, tmp_path):
    for name in ("a", "b"):
        save_model(model, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Malice:
    def __reduce__(self):
        return print, ("executed",)


def wrong_files(folder):
    (folder / "empty").write_bytes(b"")
    (folder / "text").write_text("not a model")
    (folder / "pickle").write_bytes(pickle.dumps(Malice()))
    save_file({"x": torch.zeros(2)}, folder / "stranger")
    save_file({"x": torch.zeros(2)}, folder / "future", metadata={"landcover": '{"format": 99}'})
    save_file({"x": torch.zeros(2)}, folder / "partial", metadata={"landcover": '{"format": 1}'})


@pytest.mark.parametrize("name", ["empty", "text", "pickle", "stranger", "future", "partial", "missing", "cut"])
def test_what_is_no_model_is_refused_in_one_line_and_never_run(model, tmp_path, capsys, name):
    wrong_files(tmp_path)
    save_model(model, tmp_path / "whole")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-100])
    with pytest.raises(LandcoverError, match=name) as error:
        load_model(tmp_path / name)
    assert "\n" not in str(error.value)
    assert "executed" not in capsys.readouterr().out
