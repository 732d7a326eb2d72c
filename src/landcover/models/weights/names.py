"""Names of tensors in state dicts from elsewhere, and which tensors of timm's networks they are."""

import re
from collections.abc import Collection, Mapping

import timm
import torch
import torchvision
from torch import Tensor, nn

from landcover.models.encoders import TIMM_NAMES, Backbone
from landcover.models.weights.tensor_order import COUNTER, Names, by_order

PREFIXES = ("module", "_orig_mod", "model", "backbone", "encoder", "network")
"""First parts that all names in a file may share, as wrappers of PyTorch, Lightning, torchgeo and smp add them."""


def full_network(backbone: Backbone) -> nn.Module:
    """The network of a backbone as timm makes it, with its classifier, without weights."""
    with torch.device("meta"):
        network: nn.Module = timm.create_model(TIMM_NAMES.get(backbone.name, backbone.name), in_chans=backbone.bands)
    return network


def without_prefix(found: Mapping[str, Tensor], own: Collection[str]) -> dict[str, Tensor]:
    """A state dict without the `PREFIXES` that all its names share, unless names of `own` begin so."""
    prefixes = {*PREFIXES} - {name.partition(".")[0] for name in own}
    found = dict(found)
    while len(first := {name.partition(".")[0] for name in found}) == 1 and first <= prefixes:
        found = {name.partition(".")[2]: tensor for name, tensor in found.items()}
    return found


def schemes(backbone: Backbone, own: Collection[str]) -> list[Names]:
    """The names by which the tensors of a backbone are known.

    These are timm's, those of timm's network with `features_only`, and torchvision's, if it has an equal network.

    Args:
        backbone: Where the tensors belong.
        own: timm's names of all tensors of the network, those of its classifier included.
    """
    timms = {name: name for name in own}
    # Of `features_only`: the first level is flattened, so that stages.0.blocks becomes stages_0.blocks.
    flattened = {re.sub(r"^([a-z_]+)\.(?=\d+\.)", r"\1_", name): name for name in own}
    found = [timms, flattened, torchvision_names(backbone)]
    return [names for names in found if names]


def torchvision_names(backbone: Backbone) -> Names | None:
    """The names in timm by those in torchvision; None if torchvision has no equal network of the backbone's name.

    Equal networks list tensors of the same kinds and shapes in the same order, and their norms have the same epsilon.
    For all that torchvision and timm call alike, or `TIMM_NAMES` maps, this was found to imply equal logits.
    """
    if backbone.name not in torchvision.models.list_models(module=torchvision.models):
        return None
    with torch.device("meta"):
        theirs = torchvision.models.get_model(backbone.name, weights=None)
    if _epsilons(theirs) != _epsilons(backbone.network):
        return None
    with torch.device("meta"):
        ours = timm.create_model(TIMM_NAMES.get(backbone.name, backbone.name))
    names = by_order(theirs.state_dict(), ours.state_dict(), ours.state_dict())
    # Counters take no part in the order; they belong to the norms beside them.
    beside = {key: own.rpartition(".")[0] for key, own in (names or {}).items() if key.endswith("running_mean")}
    counters = {f"{key.rpartition('.')[0]}.{COUNTER}": f"{own}.{COUNTER}" for key, own in beside.items()}
    return names and names | counters


def _epsilons(network: nn.Module) -> set[float]:
    return {module.eps for module in network.modules() if isinstance(getattr(module, "eps", None), float)}  # type: ignore[misc]
