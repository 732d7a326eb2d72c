import json
import pickle
import re
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from landcover.images.image_spec import ImageSpec
from landcover.models.collapse import DominantClass
from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import Architecture, build
from landcover.models.provenance import Origin
from landcover.system.errors import LandcoverError

ARCHITECTURES = [
    Architecture("fcn8s", "mobilenet_v2"),
    Architecture("fcn1s", "resnet18", "learned", 16),
    Architecture("baseline", None),
    Architecture("deeplabv3", "resnet18"),
]

FOUR = ImageSpec(
    ("red", "green", "blue", "band 4"),
    "uint16",
    (1.0, 20.0, 300.0, 4000.0),
    (0.5, 2.0, 30.0, 400.0),
    (0.0, 1.0, 2.0, 3.0),
    (10.0, 11.0, 12.0, 13.0),
)


def untrained(architecture, classes):
    torch.manual_seed(0)
    return Model(build(architecture, len(classes), ImageSpec(mean=(0.1, 0.2, 0.3))).eval(), classes, 0.5)


@pytest.fixture
def model(classes):
    return untrained(ARCHITECTURES[0], classes)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_a_saved_model_reads_back_with_all_that_is_needed_to_use_it(architecture, classes, tmp_path):
    model = untrained(architecture, classes)
    save_model(model, tmp_path / "models" / "a.safetensors")
    loaded = load_model(tmp_path / "models" / "a.safetensors")
    assert (loaded.architecture, loaded.classes, loaded.scale) == (architecture, classes, 0.5)
    assert loaded.network.architecture == architecture
    assert not loaded.network.training
    weights = loaded.network.state_dict()
    assert all(weights[name].equal(tensor) for name, tensor in model.network.state_dict().items())
    image = torch.rand(1, 3, 40, 50)
    with torch.inference_mode():  # equal but for rounding: a loaded network is laid out in memory channels last
        torch.testing.assert_close(loaded.network(image), model.network(image), rtol=1e-4, atol=1e-5)


def test_the_same_model_gives_the_same_bytes(model, tmp_path):
    for name in ("a", "b"):
        save_model(model, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_where_it_comes_from_reads_back(model, tmp_path):
    origin = Origin(data=DATA, resolution=2.5, params={"lr": 0.1}, score=SCORE, dominant=DominantClass(1, 1.0, 0.5))
    save_model(replace(model, origin=origin), tmp_path / "m")
    assert load_model(tmp_path / "m").origin == origin


def test_a_file_of_this_format_that_says_nothing_of_its_origin_is_read(model, tmp_path):
    save_model(model, tmp_path / "m")
    with safe_open(tmp_path / "m", "pt") as file:
        description = json.loads(file.metadata()["landcover"])
    for key in ("data", "resolution", "params", "score", "favourite"):
        del description[key]
    save_file(load_file(tmp_path / "m"), tmp_path / "m", metadata={"landcover": json.dumps(description)})
    assert load_model(tmp_path / "m").origin == Origin()


@pytest.mark.parametrize("images", [FOUR, replace(FOUR, dtype="uint8", mean=(0.1,) * 4, std=(0.2,) * 4)])
def test_what_the_images_are_reads_back(images, classes, tmp_path):
    torch.manual_seed(0)
    network = build(Architecture("baseline", None), len(classes), images).eval()
    save_model(Model(network, classes, 1.0), tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    assert loaded.images == loaded.network.images == images
    assert loaded.network.mean.flatten().tolist() == pytest.approx(images.mean)
    pixels = torch.rand(1, 4, 32, 32) * 1000
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(pixels), network(pixels), rtol=1e-4, atol=1e-4)


def test_a_file_of_format_2_is_one_of_ordinary_images(model, tmp_path):
    rewrite(model, tmp_path / "old", format=2, bands=["red", "green", "blue"], values=[0, 255], dtype="x", low=3)
    assert load_model(tmp_path / "old").images == ImageSpec(mean=(0.1, 0.2, 0.3))


def test_paths_may_be_texts(model, tmp_path):
    save_model(model, f"{tmp_path}/m.safetensors")
    assert load_model(f"{tmp_path}/m.safetensors").path == tmp_path / "m.safetensors"
    with pytest.raises(LandcoverError, match=r"none\.safetensors: no such file"):
        load_model(f"{tmp_path}/none.safetensors")


def test_it_is_shown_in_a_line(model):
    assert repr(model) == "Model(fcn8s on mobilenet_v2, 3 classes, scale 0.5)"


class Malice:
    def __reduce__(self):
        return print, ("executed",)


def wrong_files(folder):
    (folder / "empty").write_bytes(b"")
    (folder / "text").write_text("not a model")
    (folder / "pickle").write_bytes(pickle.dumps(Malice()))
    save_file({"x": torch.zeros(2)}, folder / "stranger")
    save_file({"x": torch.zeros(2)}, folder / "future", metadata={"landcover": '{"format": 99}'})
    save_file({"x": torch.zeros(2)}, folder / "partial", metadata={"landcover": '{"format": 2}'})


@pytest.mark.parametrize("name", ["empty", "text", "pickle", "stranger", "future", "partial", "missing", "cut"])
def test_what_is_no_model_is_refused_in_one_line_and_never_run(model, tmp_path, capsys, name):
    wrong_files(tmp_path)
    save_model(model, tmp_path / "whole")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-100])
    with pytest.raises(LandcoverError, match=name) as error:
        load_model(tmp_path / name)
    assert "\n" not in str(error.value)
    assert "executed" not in capsys.readouterr().out


def test_a_file_of_an_older_format_says_so(model, tmp_path):
    rewrite(model, tmp_path / "old", format=1)
    with pytest.raises(LandcoverError, match=r"old: format 1, this program reads 2, 3, 4 and 5. Train it again.$"):
        load_model(tmp_path / "old")


def rewrite(saved, path, **changes):
    """Save a model with other metadata than its own."""
    save_model(saved, path)
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["landcover"])
    save_file(load_file(path), path, metadata={"landcover": json.dumps(description | changes)})


DATA = {"root": "m", "holdout": 0, "train_images": 1, "train_tiles": 1, "validation_images": 1, "validation_tiles": 1}
SCORE = {"epoch": 1, "validation_loss": 0.5, "tile_mean_iou": 0.5, "tile_accuracy": 0.5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "2\n2"}, "format '2"),
        ({"model": "fcn9s"}, "no model 'fcn9s'; there are fcn32s"),
        ({"model": None}, "no model None"),
        ({"model": ["fcn8s"]}, "not a model of this program"),
        ({"model": "deeplabv3"}, "weights do not fit deeplabv3"),
        ({"model": "fcn4s"}, r"weights do not fit fcn4s \(decoder\.scores\.3\.weight is missing"),
        ({"backbone": "resnet18"}, "weights do not fit fcn8s"),
        ({"backbone": None}, "`backbone` = None: fcn8s needs one"),
        ({"backbone": {}}, "no backbone ''"),
        ({"upsampling": "cubic"}, "no upsampling 'cubic'"),
        ({"upsampling": 3}, "no upsampling 3"),
        ({"context": 10**9}, "`context` = 1000000000"),
        ({"context": 16384}, "weights do not fit"),
        ({"context": "0"}, "`context` = '0'"),
        ({"context": 0.0}, "`context` = 0.0"),
        ({"classes": {"a": "#000000", "b": "#ffffff"}, "ignore": None}, "weights do not fit"),
        ({"classes": ["a"]}, "not a model of this program"),
        ({"classes": {"a": "#00", "b": "#ffffff", "c": "#ff00ff"}, "ignore": None}, "should be a colour"),
        ({"classes": {"a": "#000000"}, "ignore": None}, "1 classes besides the ignored one"),
        ({"scale": 1e9}, "scale"),
        ({"scale": 0}, "scale"),
        ({"scale": "1"}, "not a model of this program"),
        ({"scale": float("nan")}, "not a model of this program"),
        ({"mean": [0.5] * 10}, "not a model of this program"),
        ({"mean": 0.5}, "not a model of this program"),
        ({"std": [0.2, 0.2, 0]}, "std"),
        ({"std": [0.2, 0.2, "x"]}, "not a model of this program"),
        ({"std": [0.2, 0.2, float("nan")]}, "std = "),
        ({"std": [0.2, 0.2, -1]}, "std"),
        ({"mean": [0.5, 0.5, 1e39]}, "mean = "),
        ({"mean": [0.5, 0.5, True]}, "mean = "),
        ({"mean": None}, "not a model of this program"),
        ({"low": [1, 2]}, "low = "),
        ({"low": [1, 2, 3], "high": None}, "low and high"),
        ({"low": [1, 2, 3], "high": [1, 2, 0]}, "low and high"),
        ({"low": [1, 2, float("inf")], "high": [1, 2, 0]}, "low = "),
        ({"dtype": "complex64"}, "dtype = 'complex64'"),
        ({"dtype": None}, "dtype = None"),
        ({"dtype": ["uint8"]}, "dtype = "),
        ({"bands": ["red", "green", "red"]}, "a name occurs twice"),
        ({"bands": ["red", "green"]}, "mean = "),
        ({"bands": "rgb"}, "bands = 'rgb'"),
        ({"bands": []}, "bands = "),
        ({"bands": ["red", "green", 3]}, "not a model of this program"),
        ({"bands": ["red", "green", "b\nlue"]}, "bands = "),
        ({"bands": ["red", "green", "b" * 1000]}, "too long names"),
        ({"bands": ["a"] * 10**6}, "1000000 bands"),
        ({"bands": None}, "not a model of this program"),
        (
            {"bands": [*"abcd"], "mean": [0.0] * 4, "std": [1.0] * 4},
            r"weights do not fit fcn8s \(.* is 32x3x3x3, not 32x4x3x3\)",
        ),
        ({"resolution": -3}, "resolution = -3 is impossible"),
        ({"resolution": float("inf")}, "resolution = inf is impossible"),
        ({"resolution": "near"}, "resolution = 'near' is impossible"),
        ({"data": "mine"}, "data = 'mine' is impossible"),
        ({"data": {"root": "mine"}}, "data = .* is impossible"),
        ({"data": DATA | {"train_images": -1}}, "data = .* is impossible"),
        ({"data": DATA | {"root": 5}}, "data = .* is impossible"),
        ({"data": DATA | {"layout": 5}}, "data = .* is impossible"),
        ({"data": DATA | {"split": "block", "block": "far"}}, "data = .* is impossible"),
        ({"data": DATA | {"split": "block", "block": 1.0, "buffer": -1}}, "data = .* is impossible"),
        ({"params": []}, r"params = \[\] is impossible"),
        ({"params": {"lr": {"deep": 1}}}, "params = .* is impossible"),
        ({"params": {"lr": float("nan")}}, "params = .* is impossible"),
        ({"params": {"lr": "x" * 10**6}}, "params = .* is impossible"),
        ({"score": {"epoch": 1}}, "score = .* is impossible"),
        ({"score": SCORE | {"tile_mean_iou": 1.5}}, "score = .* is impossible"),
        ({"score": SCORE | {"epoch": 0}}, "score = .* is impossible"),
        ({"favourite": {"label": 3, "predicted": 1.0, "truth": 0.0}}, "favourite = .* is impossible"),
        ({"favourite": {"label": 0, "predicted": 2, "truth": 0.0}}, "favourite = .* is impossible"),
        ({"favourite": [1, 2, 3]}, "favourite = .* is impossible"),
    ],
    ids=str,
)
def test_hostile_metadata_are_refused_in_one_line(model, tmp_path, changes, message):
    rewrite(model, tmp_path / "hostile", **changes)
    with pytest.raises(LandcoverError, match=message) as error:
        load_model(tmp_path / "hostile")
    assert re.fullmatch(r".*hostile: .* Train it again\.", str(error.value))  # . is no line break
    assert ".." not in str(error.value)


def test_metadata_take_no_more_memory_than_the_weights_do(classes, tmp_path):
    rewrite(
        untrained(Architecture("baseline", None), classes),
        tmp_path / "small",
        model="fcn8s",
        backbone="vgg16",
        context=16384,
    )
    resource = pytest.importorskip("resource")
    with pytest.raises(LandcoverError, match="weights do not fit fcn8s"):
        load_model(tmp_path / "small")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LandcoverError, match="weights do not fit fcn8s"):
        load_model(tmp_path / "small")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # of the 3 GB of such a network
