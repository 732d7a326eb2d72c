"""Trained models as files: safetensors, whose metadata says all that is needed to use the weights.

Loading one never runs code from it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from landcover.classes.class_files import METADATA_KEY
from landcover.classes.class_table import ClassTable
from landcover.models.networks import Architecture, Network, build
from landcover.models.pretrained import misfit
from landcover.models.provenance import Origin
from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError, reason, warn
from landcover.system.files import replacing, write_error
from landcover.system.paths import check_readable, check_utf8_name

FORMAT = 2
_FLOAT32 = torch.finfo(torch.float32)  # in which networks compute


@dataclass(frozen=True, repr=False)
class Model:
    """A network and what it was trained for.

    Attributes:
        architecture: From which `landcover.models.networks.build` makes the network.
        classes: What it tells apart; the class of channel i of its logits is `classes.names[i]`.
        scale: Working resolution over that of the source images.
        path: Of the file that it was read from, for errors to name.
        origin: Where it comes from.
    """

    network: Network
    architecture: Architecture
    classes: ClassTable
    scale: float
    path: Path | None = None
    origin: Origin = field(default_factory=Origin)

    def __repr__(self) -> str:
        return f"Model({self.architecture}, {len(self.classes)} classes, scale {self.scale})"

    def warn_if_collapsed(self) -> None:
        """Say that it gives one class only, if it did so on the validation tiles though there were others."""
        favourite = self.origin.favourite
        if favourite and favourite.is_all:
            warn(f"{self.path or 'model'}: {favourite.complaint(self.classes.names[favourite.label])}")


def save_model(model: Model, path: Path | str) -> None:
    """Write a model; the same model gives the same bytes."""
    path = Path(path)
    weights = {name: tensor.contiguous().cpu() for name, tensor in model.network.state_dict().items()}
    with replacing(path) as scratch:
        try:
            save_file(weights, scratch, metadata={METADATA_KEY: json.dumps(describe(model))})
        except SafetensorError as error:
            raise write_error(path, error) from error


def describe(model: Model) -> dict[str, Any]:
    """What the metadata of its file say, as plain types."""
    return {
        "format": FORMAT,
        **asdict(model.architecture),  # "model", "backbone", "upsampling", "context"
        **model.classes.to_json(),
        "scale": model.scale,
        "input": "RGB divided by 255, less mean, divided by std",
        "bands": ["red", "green", "blue"],
        "values": [0, 255],
        "mean": model.network.mean.flatten().tolist(),
        "std": model.network.std.flatten().tolist(),
        **model.origin.to_json(),
    }


def load_model(path: Path | str) -> Model:
    """Read a model; the network is in evaluation mode on the CPU.

    Files of this format that say nothing of their origin, as earlier versions wrote them, are read as well.

    Raises:
        LandcoverError: The file is missing, is no model of this program, of another format, its parts don't fit, or its
            weights are not finite.
    """
    path = Path(path)
    check_utf8_name(path, "models")
    try:
        check_readable(path)
        with safe_open(path, "pt") as file:
            description = load_json((file.metadata() or {})[METADATA_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if description["format"] != FORMAT:
            raise LandcoverError(f"format {description['format']!r:.60}, this program reads {FORMAT}")
        architecture = Architecture(*(description[field] for field in ("model", "backbone", "upsampling", "context")))
        classes = ClassTable.from_json(description)
        mean, std = (_numbers(description[name], 3) for name in ("mean", "std"))
        (scale,) = _numbers([description["scale"]], 1)
        if not 0 < scale <= 1 or min(std) < _FLOAT32.tiny:
            raise ValueError("scale or std out of range")
        network = _build_to_fit(architecture, len(classes), weights)
        origin = Origin.from_json(description, len(classes))
        network.normalise_by(mean, std)
    except FileNotFoundError as error:
        raise LandcoverError(f"{path}: no such file. Train a model, or give the path of one.") from error
    except LandcoverError as error:
        raise LandcoverError(f"{path}: {str(error).rstrip('.')}. Train it again.") from error
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, OSError) as error:
        raise LandcoverError(f"{path}: not a model of this program ({reason(error)}). Train it again.") from error
    network = network.eval().to(memory_format=torch.channels_last)
    return Model(network, network.architecture, classes, scale, path, origin)


def _build_to_fit(architecture: Architecture, classes: int, weights: Mapping[str, torch.Tensor]) -> Network:
    """The network with these weights. It takes memory only once they are known to fit, so no more than they do."""
    with torch.device("meta"):
        network = build(architecture, classes)
    expected = network.state_dict()
    wrong = misfit({name: tensor.shape for name, tensor in expected.items()}, weights)
    wrong = wrong or ", ".join(
        f"{name} is {tensor.dtype}"
        for name, tensor in weights.items()
        if tensor.is_floating_point() != expected[name].is_floating_point()
    )
    if wrong:
        raise LandcoverError(f"weights do not fit {architecture.model} ({wrong})")
    network.to_empty(device="cpu").load_state_dict(weights)
    if broken := [name for name, tensor in network.state_dict().items() if not tensor.isfinite().all()]:
        raise LandcoverError(f"weights are not finite numbers ({broken[0]})")
    return network


def _numbers(values: Any, count: int) -> list[float]:
    if len(values) != count or not all(type(value) in (int, float) and abs(value) <= _FLOAT32.max for value in values):
        raise ValueError(f"{values!r:.60} where {count} numbers should be")
    return [float(value) for value in values]
