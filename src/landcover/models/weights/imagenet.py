"""ImageNet weights of encoders: those that were fetched from packages, torchvision's and timm's."""

from pathlib import Path

import timm
import torchvision
from timm.models import PretrainedCfg
from torch import Tensor

from landcover.images.image_spec import IMAGENET_MEAN, IMAGENET_STD
from landcover.models.encoders import TIMM_NAMES, Backbone
from landcover.models.weights.first_layer import fold_normalisation
from landcover.models.weights.names import torchvision_names
from landcover.models.weights.packages import CARRIERS, is_fetched, weights_file
from landcover.models.weights.state_dicts import checked_state_dict, read_state_dict
from landcover.system.errors import LandcoverError, is_out_of_memory, reason


def imagenet_weights(backbone: Backbone, folder: Path | None) -> tuple[str, dict[str, Tensor]]:
    """Weights for images of three bands that are normalised by ImageNet's statistics.

    They are those of a package where `CARRIERS` names one; torchvision's best where it has the same network by the
    same name; otherwise timm's of this name, and of this tag if the name has one. The last two are downloaded into
    their libraries' caches.

    Args:
        backbone: For which network.
        folder: Where those of packages are; None for nowhere.

    Returns:
        Where they are from, in a few words; and the state dict, with timm's or torchvision's names.

    Raises:
        LandcoverError: There are none, or they cannot be downloaded.
    """
    name = backbone.name
    if name in CARRIERS and folder is not None:
        if not is_fetched(folder, name):
            raise LandcoverError(f"{weights_file(folder, name)}: not there. Fetch it: python -m stages.weights")
        return CARRIERS[name].requirement, read_state_dict(weights_file(folder, name))
    if torchvision_names(backbone):
        return _torchvisions(name)
    return _timms(name)


def _torchvisions(name: str) -> tuple[str, dict[str, Tensor]]:
    entry = torchvision.models.get_model_weights(name).DEFAULT
    try:
        # weights_only: data, never code, even from a cache that somebody else may have filled.
        found = entry.get_state_dict(progress=True, check_hash=True, map_location="cpu", weights_only=True)
    except Exception as error:  # of the network or the disk, or whatever a damaged file in the cache makes torch raise
        if is_out_of_memory(error):
            raise
        raise LandcoverError(
            f"{entry.url}: cannot be downloaded ({reason(error)}). Download it elsewhere and set `weights` to its path."
        ) from error
    return f"torchvision's {entry}", checked_state_dict(entry.url, found)


def _timms(name: str) -> tuple[str, dict[str, Tensor]]:
    timm_name = TIMM_NAMES.get(name, name)
    config = timm.get_pretrained_cfg(timm_name) or PretrainedCfg()
    if not config.has_weights:
        raise LandcoverError(f"`weights` = imagenet: timm has none for {name}. Set it to none or to a path.")
    address = config.hf_hub_id or config.url or timm_name
    try:
        network = timm.create_model(timm_name, pretrained=True)
    except Exception as error:  # of the network, the disk, or a damaged file
        if is_out_of_memory(error):
            raise
        # A path would not do: only here is it known for which normalisation of images the weights are.
        raise LandcoverError(
            f"{address}: cannot be downloaded ({reason(error).rstrip('.')}). Copy the cache of huggingface_hub from a "
            "machine with a network, or set `weights` to none."
        ) from error
    weights = dict(network.state_dict())
    if (tuple(config.mean), tuple(config.std)) != (IMAGENET_MEAN, IMAGENET_STD):
        layer = config.first_conv
        try:
            if not isinstance(layer, str):
                raise LandcoverError("it has several first layers")
            weights = fold_normalisation(network, weights, layer, config.mean, config.std)
        except LandcoverError as error:
            raise LandcoverError(f"`weights` = imagenet: for {name} of timm, {error}. Set it to none.") from error
    return f"timm's {address}", weights
