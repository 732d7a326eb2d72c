"""Trained models as files: safetensors, with metadata that hold all that is needed to use the weights.

Loading a model never runs code from its file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from landcover.classes.class_files import METADATA_KEY
from landcover.classes.class_table import ClassTable
from landcover.images.image_spec import RGB, ImageSpec
from landcover.models import int8
from landcover.models.int8 import Int8
from landcover.models.networks import Architecture, Network, build
from landcover.models.old_names import with_todays_names
from landcover.models.provenance import Origin
from landcover.models.weights.state_dicts import state_dict_mismatch
from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError, reason, warn
from landcover.system.files import replacing, write_error
from landcover.system.paths import check_readable, check_utf8_name

FORMAT, FORMAT_INT8, FORMAT_ENSEMBLE = 3, 4, 5
"""Of the files that are written: of one network without and with a graph of 8-bit integers, and of several networks.
The metadata have, in format 3:

- `format`; `model`, `backbone`, `upsampling` and `context`, from which the network is built;
- `classes`, `ignore`: names and colours, see `ClassTable.to_json`;
- `bands`, `dtype`, `mean`, `std`, `low`, `high`: what the images are, see `ImageSpec`; `divisor` follows from `dtype`;
- `scale`: working resolution over that of the images;
- `data`, `resolution`, `params`, `score`, `favourite`: the origin, see `Origin.to_json`; each may be missing.

In format 4 there are `int8`, see `Int8.to_json`, and the tensor `int8.TENSOR`. In format 5 the model is `ensemble`, and
`members` has, of each of its networks, from what it is built and its origin; `int8` may be there as well. A model
without these stays one of format 3, which earlier versions read.

Format 2 had no `dtype`, `low` and `high`: its images are red, green and blue of 8 bits.
"""

READABLE = (2, 3, 4, 5)
"""The formats that are read."""

# What a damaged or hostile file may have at most; sensors have up to some hundreds of bands.
_MOST_BANDS, _LONGEST_NAME = 10_000, 200


@dataclass(frozen=True, repr=False)
class Model:
    """A network and what it was trained for.

    Attributes:
        network: Its weights are trained; it is in evaluation mode if `load_model` made it.
        classes: The classes that it predicts; channel i of its logits is the class `classes.names[i]`.
        scale: Working resolution over the resolution of the source images.
        path: The file that it was read from, for messages; None if there is none.
        origin: What it was made from, and its score.
        parts: The files of the models that it was combined from, if no file holds it itself.
    """

    network: Network
    classes: ClassTable
    scale: float
    path: Path | None = None
    origin: Origin = field(default_factory=Origin)
    parts: tuple[Path, ...] = ()

    @property
    def images(self) -> ImageSpec:
        """The images that it takes: their bands, pixel type and statistics."""
        return self.network.images

    @property
    def int8(self) -> Int8 | None:
        """The network with integers of 8 bits, if there is such a graph."""
        return self.network.int8

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it was read from, which nothing may replace."""
        return self.parts or ((self.path,) if self.path else ())

    @property
    def format(self) -> int:
        """Of the file that `save_model` writes."""
        if self.architecture.members:
            return FORMAT_ENSEMBLE
        return FORMAT_INT8 if self.int8 else FORMAT

    @property
    def architecture(self) -> Architecture:
        """From which `landcover.models.networks.build` makes the network."""
        return self.network.architecture

    def __repr__(self) -> str:
        return f"Model({self.architecture}, {len(self.classes)} classes, scale {self.scale})"

    def warn_if_collapsed(self) -> None:
        """Warn if its predictions on the validation tiles, or those of a network of it, had collapsed to one class."""
        name = str(self.path or "model")
        warn_of = {name: self.origin.dominant}
        for number, member in enumerate(self.origin.members):
            warn_of[str(self.parts[number]) if self.parts else f"{name}, network {number + 1}"] = member.dominant
        for name, dominant in warn_of.items():
            if dominant and dominant.has_collapsed:
                warn(f"{name}: {dominant.warning(self.classes.names[dominant.label])}")


def save_model(model: Model, path: Path | str) -> None:
    """Write a model. Equal models give equal bytes."""
    path = Path(path)
    tensors = {name: tensor.contiguous().cpu() for name, tensor in model.network.state_dict().items()}
    if model.int8:
        tensors[int8.TENSOR] = torch.frombuffer(bytearray(model.int8.graph), dtype=torch.uint8)
    with replacing(path) as scratch:
        try:
            save_file(tensors, scratch, metadata={METADATA_KEY: json.dumps(describe(model))})
        except SafetensorError as error:
            raise write_error(path, error) from error


def describe(model: Model) -> dict[str, Any]:
    """The metadata of its file, as plain types."""
    architecture, origin = model.architecture.to_json(), model.origin.to_json()
    if members := architecture.pop("members", None):
        made = origin.pop("members", [{}] * len(members))
        architecture["members"] = [built | from_ for built, from_ in zip(members, made, strict=True)]
    return {
        "format": model.format,
        **architecture,
        **model.classes.to_json(),
        "scale": model.scale,
        "input": "(pixels / divisor - mean) / std",
        "divisor": model.images.divisor,
        **model.images.to_json(),
        **origin,
        **({int8.KEY: model.int8.to_json()} if model.int8 else {}),
    }


def load_model(path: Path | str) -> Model:
    """Read a model; its network is in evaluation mode on the CPU.

    Files without an origin, as earlier versions wrote them, are read as well.

    Raises:
        LandcoverError: The file is missing, is not a model of this program or of another format; or its weights do not
            fit the network or are not finite.
    """
    path = Path(path)
    check_utf8_name(path, "models")
    try:
        check_readable(path)
        with safe_open(path, "pt") as file:
            description = load_json((file.metadata() or {})[METADATA_KEY])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if type(description["format"]) is not int or description["format"] not in READABLE:
            readable = f"{', '.join(map(str, READABLE[:-1]))} and {READABLE[-1]}"
            raise LandcoverError(f"format {description['format']!r:.60}, this program reads {readable}")
        architecture = Architecture.from_json(description)
        classes = ClassTable.from_json(description)
        scale = description["scale"]
        if type(scale) not in (int, float) or not 0 < scale <= 1:
            raise ValueError(f"scale = {scale!r:.60} is out of range")
        graph = _int8(description, weights)
        network = _build_to_fit(architecture, len(classes), _images(description), weights)
        origin = Origin.from_json(description, len(classes))
    except FileNotFoundError as error:
        raise LandcoverError(f"{path}: no such file. Train a model, or give the path of one.") from error
    except LandcoverError as error:
        raise LandcoverError(f"{path}: {str(error).rstrip('.')}. Train it again.") from error
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, OSError) as error:
        raise LandcoverError(f"{path}: not a model of this program ({reason(error)}). Train it again.") from error
    network = network.eval().to(memory_format=torch.channels_last)
    network.int8 = graph
    return Model(network, classes, float(scale), path, origin)


def _int8(description: Mapping[str, Any], weights: dict[str, torch.Tensor]) -> Int8 | None:
    """Take the graph of 8-bit integers out of the tensors of a file, if its format has one."""
    form = description["format"]
    if form != FORMAT_INT8 and (form != FORMAT_ENSEMBLE or int8.KEY not in description):
        return None
    graph = weights.pop(int8.TENSOR)
    if graph.dtype != torch.uint8 or graph.ndim != 1:
        raise ValueError(f"{int8.TENSOR} is {graph.dtype} of {graph.ndim} dimensions")
    return Int8.from_json(description[int8.KEY], graph.numpy().tobytes())


def _images(description: Mapping[str, Any]) -> ImageSpec:
    """The images that a model takes, from its metadata."""
    if description["format"] == 2:
        description = {**RGB.to_json(), "mean": description["mean"], "std": description["std"]}
    bands = description["bands"]
    if len(bands) > _MOST_BANDS or any(len(name) > _LONGEST_NAME for name in bands):
        raise ValueError(f"{len(bands)} bands, or too long names of bands")
    return ImageSpec.from_json(description)


def _build_to_fit(
    architecture: Architecture, classes: int, images: ImageSpec, weights: Mapping[str, torch.Tensor]
) -> Network:
    """Build the network with these weights; memory is allocated only after they are known to fit."""
    with torch.device("meta"):
        network = build(architecture, classes, images)
    weights = with_todays_names(weights, network.backbone)
    expected = network.state_dict()
    mismatch = state_dict_mismatch({name: tensor.shape for name, tensor in expected.items()}, weights)
    mismatch = mismatch or ", ".join(
        f"{name} is {tensor.dtype}"
        for name, tensor in weights.items()
        if tensor.is_floating_point() != expected[name].is_floating_point()
    )
    if mismatch:
        raise LandcoverError(f"weights do not fit {architecture.model} ({mismatch})")
    if {name for name, _ in network.named_buffers()} - expected.keys() <= {"mean", "std"}:
        network.to_empty(device="cpu").normalise_as_told()  # quick: nothing is initialised only to be overwritten
    else:  # some networks compute buffers, such as positions, when they are built
        network = build(architecture, classes, images)
    network.load_state_dict(weights)
    if broken := [name for name, tensor in network.state_dict().items() if not tensor.isfinite().all()]:
        raise LandcoverError(f"weights are not finite numbers ({broken[0]})")
    return network
