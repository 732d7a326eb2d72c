"""Pretrained weights for the backbone of a network: of ImageNet, or those of a file."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from landcover.images.image_spec import IMAGENET_MEAN, IMAGENET_STD
from landcover.models.encoders import Backbone
from landcover.models.networks import Network
from landcover.models.weights.first_layer import RGB_BANDS, adapt_bands
from landcover.models.weights.imagenet import imagenet_weights
from landcover.models.weights.names import full_network, schemes, without_prefix
from landcover.models.weights.state_dicts import read_state_dict, state_dict_mismatch
from landcover.models.weights.tensor_order import Names, by_order, fits, is_counter
from landcover.system.errors import LandcoverError

_VGG_WIDTH = 4096  # of fc6 and fc7
_LAST_LAYERS = ("conv_head.", "bn2.", "norm.", "final_conv.")
"""First parts of the names of layers behind the last stage, which timm's networks with `features_only` lack."""

_FULLY_CONNECTED = {
    f"pre_logits.{layer}.{kind}": f"{index}.{kind}"
    for layer, index in (("fc1", 0), ("fc2", 3))
    for kind in ("weight", "bias")
}
"""Names of the tensors of fc6 and fc7 in the decoder's `context`, by timm's."""


@dataclass(frozen=True)
class Loaded:
    """What a backbone was given.

    Attributes:
        source: Where the weights are from: a package and its version, torchvision's or timm's name, or a file. It
            holds no absolute path.
        remarks: What was decided about names and bands.
    """

    source: str
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "; ".join([self.source, *self.remarks])


def load_weights(network: Network, weights: str, fetched: Path | None = None) -> Loaded | None:
    """Copy weights into a network's backbone.

    The state dict may have the names of timm's network, of timm's with `features_only=True`, or of torchvision's if it
    has an equal network, all with or without a prefix of `names.PREFIXES`. Other names are accepted in a file
    of `torch.save`, if kinds and shapes of the tensors agree one by one in their order; see `tensor_order.by_order`.
    Every tensor that the backbone has must be there, but batch norm's counters, and the layers behind the last stage,
    all or none; beside these, only others of the same classification network may be.

    Weights for three bands are adapted to other numbers of bands, see `first_layer.adapt_bands`; others must be for as
    many bands as the network takes. VGG's fc6 and fc7 are copied as well if the weights contain them and the network
    has them with their width of 4096.

    Args:
        network: Of any model that has a `Backbone`.
        weights: "none" to keep the network as it is; "imagenet", see `imagenet_weights`; or the path of a state dict,
            as a .safetensors file or one written by `torch.save`.
        fetched: Folder of the weights that were fetched from packages.

    Returns:
        What was loaded; None if nothing was.

    Raises:
        LandcoverError: The weights cannot be downloaded or read, are not a state dict or do not fit. The network is
            then unchanged.
    """
    if weights == "none":
        return None
    if not isinstance(network.backbone, Backbone):
        model = network.architecture.model
        raise LandcoverError(f"`weights` = {weights}: {model} has an encoder of its own. Set it to none.")
    backbone = network.backbone
    if weights == "imagenet":
        origin, found = imagenet_weights(backbone, fetched)
        place, has_order = origin, False
    else:
        path = Path(weights)
        found, place, has_order = read_state_dict(path), weights, path.suffix != ".safetensors"
        origin = path.name if path.is_absolute() else weights

    full, targets = full_network(backbone), _targets(network)
    own, first = full.state_dict(), _first_layers(full)
    found = without_prefix(found, own)
    names, remarks = _names(backbone, own, found, targets, first, has_order)
    if weights != "imagenet" and backbone.bands == RGB_BANDS and not _expects_imagenets_statistics(full):
        remarks += ["taken to be for images normalised by ImageNet's statistics"]
    given = {names[name]: tensor for name, tensor in found.items() if names.get(name) in targets}
    for layer in first & given.keys():
        given[layer], remark = _for_bands(given[layer], targets[layer], backbone.bands, place)
        remarks += remark
    if left_out := {name.partition(".")[0] for name in _last_layers(targets) - given.keys() if not is_counter(name)}:
        remarks.append(f"its last layers ({', '.join(sorted(left_out))}) are not in it and start from random weights")
    if mismatch := _mismatch(names, found, given, targets):
        raise LandcoverError(
            f"{place}: does not fit the backbone {backbone.name} ({mismatch}). Take weights of this network, with the "
            "names of timm or torchvision."
        )
    if broken := [name for name, own in names.items() if own in given and not given[own].isfinite().all()]:
        raise LandcoverError(f"{place}: weights are not finite numbers ({broken[0]}). Use others.")
    with torch.no_grad():
        for own_name, tensor in given.items():
            targets[own_name].copy_(tensor.reshape(targets[own_name].shape))
    return Loaded(origin, tuple(remarks))


def _targets(network: Network) -> dict[str, Tensor]:
    """The tensors that can be loaded, by timm's names."""
    targets = dict(network.backbone.get_submodule("network").state_dict(keep_vars=True))
    architecture = network.architecture
    if (architecture.backbone or "").startswith("vgg") and architecture.context == _VGG_WIDTH:
        context = network.decoder.get_submodule("context").state_dict(keep_vars=True)
        targets |= {own: context[name] for own, name in _FULLY_CONNECTED.items()}
    return targets


def _required(targets: Collection[str], given: Collection[str]) -> set[str]:
    """Which targets a state dict must have: all but counters, but some groups only if it has a part of them.

    The groups are fc6 and fc7, and the layers behind the last stage.
    """
    optional = {*filter(is_counter, targets)}
    if not _last_layers(targets) & {*given}:
        optional |= _last_layers(targets)
    if not _FULLY_CONNECTED.keys() & {*given}:
        optional |= _FULLY_CONNECTED.keys()
    return {*targets} - optional


def _last_layers(targets: Collection[str]) -> set[str]:
    return {name for name in targets if name.startswith(_LAST_LAYERS)}


def _first_layers(full: nn.Module) -> set[str]:
    """Names in timm of the weights of the layers that see the image."""
    layers = getattr(full, "pretrained_cfg", {}).get("first_conv") or ()
    return {f"{layer}.weight" for layer in ([layers] if isinstance(layers, str) else layers)}


def _expects_imagenets_statistics(full: nn.Module) -> bool:
    """Whether timm's own weights are for images that are normalised as networks here normalise them."""
    config = getattr(full, "pretrained_cfg", {})
    return (tuple(config.get("mean", ())), tuple(config.get("std", ()))) == (IMAGENET_MEAN, IMAGENET_STD)


def _names(
    backbone: Backbone,
    own: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    targets: Collection[str],
    first: Collection[str],
    has_order: bool,
) -> tuple[Names, list[str]]:
    """Names in timm by those of a state dict, and what to remark; if none fit, those that come nearest."""
    choices = schemes(backbone, own)
    tensors = {name for name in found if not is_counter(name)}
    for names in choices:
        given = {names[name] for name in tensors & names.keys()}
        if tensors <= names.keys() and _required(targets, given) <= given:
            return names, []
    if has_order and (ordered := by_order(found, own, _required(targets, ()), first)):
        return ordered, ["names that are not timm's, matched by their order"]
    return max(choices, key=lambda names: len(tensors & names.keys())), []


def _for_bands(weight: Tensor, own: Tensor, bands: int, place: str) -> tuple[Tensor, list[str]]:
    """The weights of a first layer for the network's number of bands, and what to remark."""
    if weight.shape == own.shape or weight.ndim != 4 or (weight[:, 0].shape != own[:, 0].shape):
        return weight, []  # another shape does not fit, and is reported with the others
    theirs = weight.shape[1]
    if theirs != RGB_BANDS or own.shape[1] != bands:
        raise LandcoverError(
            f"{place}: is for another number of bands, {theirs} instead of {bands}. Take weights for {bands} or "
            f"{RGB_BANDS} bands, or change the bands of the images."
        )
    how = "summed" if bands == 1 else f"repeated and multiplied by {RGB_BANDS}/{bands}"
    return adapt_bands(weight, bands), [f"first layer {how}, from {RGB_BANDS} bands to {bands}"]


def _mismatch(
    names: Names, found: Mapping[str, Tensor], given: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> str:
    """How a state dict differs from what the network needs, in its own names; "" if it does not."""
    theirs = {own: name for name, own in names.items()}
    expected = {}
    for own in sorted(_required(targets, given), key=list(targets).index):
        shape = targets[own].shape
        expected[theirs.get(own, own)] = given[own].shape if own in given and fits(given[own].shape, shape) else shape
    seen = {name: given.get(names.get(name, ""), tensor) for name, tensor in found.items()}
    return state_dict_mismatch(
        expected,
        {key: value for key, value in seen.items() if key in expected or not (key in names or is_counter(key))},
    )
