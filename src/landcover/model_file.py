"""Trained models as files: safetensors, whose metadata says all that is needed to use the weights.

Loading one never runs code from it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from landcover.classes import ClassTable
from landcover.errors import LandcoverError
from landcover.files import replacing
from landcover.models import FCN, build

FORMAT = 1
_KEY = "landcover"  # one key: safetensors writes several in an order that changes from run to run


@dataclass(frozen=True)
class Model:
    """A network and what it was trained for.

    Attributes:
        architecture, backbone: Names from which `landcover.models.build` makes the network.
        classes: What it tells apart; the class of channel i of its logits is `classes.names[i]`.
        scale: Working resolution over that of the source pictures.
    """

    network: FCN
    architecture: str
    backbone: str
    classes: ClassTable
    scale: float


def save_model(model: Model, path: Path) -> None:
    """Write a model; the same model gives the same bytes."""
    description = {
        "format": FORMAT,
        "model": model.architecture,
        "backbone": model.backbone,
        **model.classes.to_json(),
        "scale": model.scale,
        "input": "RGB divided by 255, less mean, divided by std",
        "mean": model.network.mean.flatten().tolist(),
        "std": model.network.std.flatten().tolist(),
    }
    weights = {name: tensor.contiguous().cpu() for name, tensor in model.network.state_dict().items()}
    with replacing(path) as scratch:
        save_file(weights, scratch, metadata={_KEY: json.dumps(description)})


def load_model(path: Path) -> Model:
    """Read a model; the network is in evaluation mode on the CPU.

    Raises:
        LandcoverError: The file is missing, is no model of this program, of another format, or its parts don't fit.
    """
    try:
        with safe_open(path, "pt") as file:
            description = json.loads((file.metadata() or {})[_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if description["format"] != FORMAT:
            raise LandcoverError(
                f"{path}: format {description['format']}, this program reads {FORMAT}. Train it again."
            )
        classes = ClassTable.from_json(description)
        normalisation = {"mean": description["mean"], "std": description["std"]}
        network = build(description["model"], description["backbone"], len(classes), **normalisation)
        network.load_state_dict(weights)
    except FileNotFoundError as error:
        raise LandcoverError(f"{path}: no such file. Train a model, or give the path of one.") from error
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LandcoverError(f"{path}: not a model of this program ({reason}). Train it again.") from error
    network = network.eval().to(memory_format=torch.channels_last)
    return Model(network, description["model"], description["backbone"], classes, description["scale"])
