"""Pretrained weights for the backbone of a network: torchvision's of ImageNet, or those of a file."""

import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor

from landcover.models.encoders import Backbone
from landcover.models.networks import Network
from landcover.system.errors import LandcoverError, is_out_of_memory, reason
from landcover.system.paths import check_readable

_CLASSIFIERS = ("classifier.", "fc.")  # how torchvision's names of the layers after the features begin
_VGG_WIDTH = 4096  # of fc6 and fc7
_SHOWN = 3  # mismatches that an error lists


def load_weights(network: Network, weights: str) -> None:
    """Copy weights into a network's backbone.

    VGG's fc6 and fc7 are copied as well if the weights contain them and the network has them with their width of 4096.

    Args:
        weights: "none" to keep the network as it is; "imagenet" for torchvision's weights, which are downloaded into
            its cache; or the path of a state dict with the names of torchvision's network, with or without its
            classifier, as a .safetensors file or one written by `torch.save`.

    Raises:
        LandcoverError: The weights cannot be downloaded or read, are not a state dict or do not fit. The network is
            then unchanged.
    """
    if weights == "none":
        return
    if not isinstance(network.backbone, Backbone):
        model = network.architecture.model
        raise LandcoverError(f"`weights` = {weights}: {model} has an encoder of its own. Set it to none.")
    source, found = _download(network.backbone.name) if weights == "imagenet" else (weights, _read(weights))
    if not isinstance(found, Mapping) or not found or not all(map(_is_entry, found.items())):
        raise LandcoverError(f"{source}: not a state dict, which maps names to tensors. Save the state dict alone.")

    own = network.state_dict(keep_vars=True)
    targets = {key: own[f"backbone.{name}"] for name, key in network.backbone.torchvision_keys.items()}
    if "classifier.0.weight" in found and _has_fc_of_vgg(network):
        context = network.decoder.get_submodule("context")
        targets |= {f"classifier.{name}": tensor for name, tensor in context.state_dict().items()}
    found = {key: tensor for key, tensor in found.items() if key in targets or not key.startswith(_CLASSIFIERS)}
    # Files of early versions of PyTorch have no counters of the batches that batch norm has seen.
    counters = {key for key in targets if key.endswith("num_batches_tracked")} - found.keys()
    targets = {key: tensor for key, tensor in targets.items() if key not in counters}
    mismatch = state_dict_mismatch({key: _file_shape(key, tensor) for key, tensor in targets.items()}, found)
    if mismatch:
        raise LandcoverError(f"{source}: does not fit the backbone {network.backbone.name} ({mismatch})")
    if broken := [key for key in targets if not found[key].isfinite().all()]:
        raise LandcoverError(f"{source}: weights are not finite numbers ({broken[0]}). Use others.")
    with torch.no_grad():
        for key, tensor in targets.items():
            tensor.copy_(found[key].reshape(tensor.shape))


def state_dict_mismatch(expected: Mapping[str, Sequence[int]], found: Mapping[str, Tensor]) -> str:
    """How a state dict differs from the expected names and shapes, in a few words; "" if it does not differ."""
    wrong = [f"{key} is missing" for key in expected if key not in found]
    wrong += [f"{key} is unexpected" for key in found if key not in expected]
    wrong += [
        f"{key} is {_size(found[key].shape)}, not {_size(shape)}"
        for key, shape in expected.items()
        if key in found and tuple(found[key].shape) != tuple(shape)
    ]
    more = [f"{len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return ", ".join(wrong[:_SHOWN] + more)


def _download(name: str) -> tuple[str, object]:
    """The address of torchvision's best weights of a network, and the weights."""
    entry = torchvision.models.get_model_weights(name).DEFAULT
    try:
        # weights_only: data, never code, even from a cache that somebody else may have filled.
        return entry.url, entry.get_state_dict(progress=True, check_hash=True, map_location="cpu", weights_only=True)
    except Exception as error:  # of the network or the disk, or whatever a damaged file in the cache makes torch raise
        raise LandcoverError(
            f"{entry.url}: cannot be downloaded ({reason(error)}). Download it elsewhere and set `weights` to its path."
        ) from error


def _read(weights: str) -> object:
    path = Path(weights)
    try:
        check_readable(path)
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # about unusual pickles, which are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise LandcoverError(
            f"`weights` = {weights}: no such file. Set it to none, imagenet or the path of a state dict."
        ) from error
    except pickle.UnpicklingError as error:  # torch's own message explains how to run the code nevertheless
        raise LandcoverError(f"{path}: damaged, or holds code besides weights. Save the state dict alone.") from error
    except Exception as error:  # damaged bytes make the readers raise anything
        if is_out_of_memory(error):
            raise
        raise LandcoverError(f"{path}: cannot be read ({reason(error)}). Save the state dict again.") from error


def _is_entry(item: tuple[object, object]) -> bool:
    name, tensor = item
    return (
        isinstance(name, str)
        and isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.device.type == "cpu"
        and (tensor.is_floating_point() or name.endswith("num_batches_tracked"))
    )


def _has_fc_of_vgg(network: Network) -> bool:
    backbone, context = network.architecture.backbone, network.architecture.context
    return backbone is not None and backbone.startswith("vgg") and context == _VGG_WIDTH


def _file_shape(key: str, tensor: Tensor) -> tuple[int, ...]:
    """Shape in torchvision's file: as in the network, except for fc6 and fc7, which are matrices there."""
    is_matrix = key.startswith(_CLASSIFIERS) and tensor.ndim == 4
    return (len(tensor), tensor[0].numel()) if is_matrix else tuple(tensor.shape)


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
