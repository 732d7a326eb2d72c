"""Names in model files of earlier versions, whose encoders were torchvision's networks, cut into stages."""

import re
from collections.abc import Mapping

from torch import Tensor, nn

from landcover.models.encoders import Backbone
from landcover.models.weights.names import torchvision_names

_STAGES = "backbone.stages."  # how their names of the encoder's tensors begin
_RESNET = {"0.0": "conv1", "0.1": "bn1", "1.1": "layer1", "2": "layer2", "3": "layer3", "4": "layer4"}
"""torchvision's names of the parts of a ResNet by those in the stages; other networks kept theirs within stages."""


def with_todays_names(weights: Mapping[str, Tensor], backbone: nn.Module) -> dict[str, Tensor]:
    """The weights of a whole network under the names that they have today; others are returned as they are.

    Args:
        weights: By name; in files of earlier versions, those of the encoder have torchvision's shapes.
        backbone: The network's encoder.
    """
    if not isinstance(backbone, Backbone) or not any(name.startswith(_STAGES) for name in weights):
        return dict(weights)
    names, own = torchvision_names(backbone) or {}, backbone.get_submodule("network").state_dict()
    found = {}
    for old, tensor in weights.items():
        name = names.get(_torchvisions(old, backbone.name)) if old.startswith(_STAGES) else None
        if name in own and tensor.numel() == own[name].numel():
            found[f"backbone.network.{name}"] = tensor.reshape(own[name].shape)
        else:
            found[old] = tensor
    return found


def _torchvisions(name: str, backbone: str) -> str:
    """The name in torchvision's network of a tensor of the encoder."""
    if not backbone.startswith("resnet"):
        return re.sub(r"^backbone\.stages\.\d+\.", "features.", name)
    part = re.match(r"backbone\.stages\.([01]\.\d|\d)\.", name)
    return f"{_RESNET.get(part[1], '')}.{name[part.end() :]}" if part else name
