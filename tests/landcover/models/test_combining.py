import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import BACKBONE, TABLE
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from landcover.classes.class_table import ClassTable
from landcover.images.image_spec import RGB, ImageSpec
from landcover.inference.options import InferenceOptions
from landcover.inference.prediction import for_inference, label_image
from landcover.models.collapse import DominantClass
from landcover.models.combining import combined, load_models
from landcover.models.model_file import Model, load_model, save_model
from landcover.models.networks import Architecture, build
from landcover.models.provenance import Origin
from landcover.system.errors import LandcoverError

RESNET, PIXELS = Architecture("fcn8s", "resnet18"), Architecture("fcn1s", BACKBONE)
OWN = ImageSpec(mean=(0.1, 0.2, 0.3), std=(0.3, 0.2, 0.1))
DATA = {"root": "m", "holdout": 0, "train_images": 1, "train_tiles": 1, "validation_images": 1, "validation_tiles": 1}


def made(architecture, seed, images=RGB, classes=TABLE, scale=1.0):
    """A model with scores of some size, as of a training."""
    torch.manual_seed(seed)
    network = build(architecture, len(classes), images).eval()
    with torch.no_grad():
        for module in network.decoder.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.normal_(std=0.1)
    return Model(network, classes, scale)


@pytest.fixture
def models():
    """Of different networks, statistics and seeds."""
    return [made(RESNET, 0), made(PIXELS, 1, OWN), made(RESNET, 2, OWN)]


def probabilities(model, images):
    with torch.inference_mode():
        return model.network(images).softmax(1)


@pytest.mark.parametrize("size", [(64, 96), (50, 33)])
def test_its_probabilities_are_the_mean_of_theirs(models, size):
    images = torch.rand(2, 3, *size)
    expected = sum(probabilities(model, images) for model in models) / 3
    found = probabilities(combined(models), images)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert (expected - probabilities(models[0], images)).abs().max() > 0.05  # they differ from each other


def test_networks_of_the_same_statistics_see_exactly_the_images_that_they_see_alone():
    model = made(PIXELS, 0, OWN)
    twice, images = combined([model, model]), torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        (first, _), (second, _) = twice.network.backbone((images - twice.network.mean) / twice.network.std)
        assert first.equal((images - model.network.mean) / model.network.std)
    assert first.equal(second)


@pytest.mark.parametrize("engine", ["torch", "onnxruntime", "openvino"])
def test_every_engine_labels_with_it(models, engine):
    image = np.random.default_rng(0).integers(256, size=(70, 100, 3), dtype=np.uint8)
    ready = for_inference(combined(models), torch.device("cpu"))
    values = []
    labels = label_image(ready, image, InferenceOptions(engine=engine), probabilities=lambda s: values.append(s.copy()))
    plain = [for_inference(made_again, torch.device("cpu")) for made_again in models]
    expected = []
    for model in plain:
        label_image(model, image, InferenceOptions(engine="torch"), probabilities=lambda s: expected.append(s.copy()))
    mean = sum(expected) / 3
    np.testing.assert_allclose(np.concatenate(values, 1), mean, atol=1e-4)
    assert (labels == mean.argmax(0)).mean() > 0.999


def test_it_reads_back_from_a_file_to_the_bit_with_all_that_is_known_of_its_networks(models, tmp_path):
    origins = [Origin(data=DATA, params={"seed": i}, dominant=DominantClass(i, 0.5, 0.4)) for i in range(3)]
    model = combined([replace(model, origin=origin) for model, origin in zip(models, origins, strict=True)])
    save_model(model, tmp_path / "all")
    read = load_model(tmp_path / "all")
    assert (read.architecture, read.format) == (Architecture.of_ensemble([RESNET, PIXELS, RESNET]), 5)
    assert str(read.architecture) == f"fcn8s on resnet18 + fcn1s on {BACKBONE} + fcn8s on resnet18"
    assert str(Architecture.of_ensemble([PIXELS, RESNET, RESNET])) == f"fcn1s on {BACKBONE} + 2 x fcn8s on resnet18"
    assert (read.origin.data, read.origin.params, read.origin.members) == (DATA, None, tuple(origins))
    weights = read.network.state_dict()
    assert all(weights[name].equal(tensor) for name, tensor in model.network.state_dict().items())
    images = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(probabilities(read, images), probabilities(model, images), rtol=0, atol=1e-5)
    save_model(read, tmp_path / "again")
    assert (tmp_path / "all").read_bytes() == (tmp_path / "again").read_bytes()


def test_several_files_are_read_as_one_model_and_a_single_one_as_it_is(models, tmp_path):
    for i, model in enumerate(models):
        save_model(model, tmp_path / f"{i}")
    assert load_models([tmp_path / "0"]).files == (tmp_path / "0",)
    model = load_models([tmp_path / "0", tmp_path / "1"])
    assert (model.path, model.files) == (None, (tmp_path / "0", tmp_path / "1"))


def test_a_network_of_it_that_had_collapsed_is_warned_of_by_its_file(models, tmp_path, capsys):
    save_model(models[0], tmp_path / "good")
    save_model(replace(models[2], origin=Origin(dominant=DominantClass(1, 1.0, 0.5))), tmp_path / "poor")
    model = load_models([tmp_path / "good", tmp_path / "poor"])
    model.warn_if_collapsed()
    assert f"{tmp_path / 'poor'}: " in capsys.readouterr().err
    save_model(model, tmp_path / "both")
    load_model(tmp_path / "both").warn_if_collapsed()
    assert f"{tmp_path / 'both'}, network 2: " in capsys.readouterr().err


REVERSED = ClassTable(dict(reversed(TABLE.colours.items())), TABLE.ignore)
FOUR = ImageSpec(("red", "green", "blue", "nir"), mean=(0.0,) * 4, std=(1.0,) * 4)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: made(RESNET, 0, classes=REVERSED), r"^b: cannot be combined with a, whose classes are, in this order"),
        (lambda: made(RESNET, 0, FOUR), "with a, which takes other bands: red, green, blue"),
        (lambda: made(RESNET, 0, ImageSpec(dtype="uint16")), "which takes uint8 pixels, not uint16"),
        (lambda: made(RESNET, 0, scale=0.5), r"which works at scale 1, not 0\.5"),
        (lambda: combined([made(RESNET, 0), made(RESNET, 1)]), "^b: is an ensemble itself. Name the models"),
    ],
)
def test_models_that_do_not_fit_together_are_refused(other, message):
    with pytest.raises(LandcoverError, match=message):
        combined([replace(made(RESNET, 0), path="a"), replace(other(), path="b")])


@pytest.mark.parametrize("count", [1, 65])
def test_it_is_of_two_to_64_models(count):
    with pytest.raises(LandcoverError, match=rf"^{count} models?: from 2 to 64 can be combined\.$"):
        combined([made(Architecture("baseline", None), 0)] * count)


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members[:1],
        lambda members: [members[0], {**members[1], "model": "ensemble", "members": members}],
        lambda members: [members[0], {**members[1], "model": "fcn16s"}],
        lambda members: [members[0], {**members[1], "data": 3}],
        lambda members: members * 40,
        lambda members: None,
        lambda members: [1, 2],
        lambda members: {"a": 1, "b": 2},
        lambda members: [members[0], {}],
    ],
)
def test_impossible_files_are_refused_in_a_line(change, tmp_path):
    baseline = Architecture("baseline", None)
    save_model(combined([made(baseline, 0), made(baseline, 1)]), tmp_path / "m")
    with safe_open(tmp_path / "m", "pt") as file:
        description = json.loads(file.metadata()["landcover"])
    description["members"] = change(description["members"])
    save_file(load_file(tmp_path / "m"), tmp_path / "m", metadata={"landcover": json.dumps(description)})
    with pytest.raises(LandcoverError, match=r"Train it again\.$") as error:
        load_model(tmp_path / "m")
    assert "\n" not in str(error.value)
