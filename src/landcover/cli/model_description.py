"""Descriptions of a trained model, from its file and from the repository in which the command runs."""

import hashlib
from pathlib import Path
from typing import Any

import yaml

from landcover.classes.colours import hex_colour
from landcover.images.image_spec import ImageSpec
from landcover.models.model_file import Model, describe
from landcover.models.networks import Architecture
from landcover.models.provenance import Origin, Table
from landcover.system.differences import differences, shown
from landcover.system.documents import load_yaml
from landcover.system.errors import printable
from landcover.system.git import git_output
from landcover.system.paths import check_readable

PARAMS = Path("params.yaml")


def model_lines(model: Model, path: Path) -> list[str]:
    """Describe a model in lines for people.

    Args:
        model: Loaded from `path`.
        path: The model file.
    """
    made = map(printable, _members(model) or _origin(model.origin))
    end = [*_int8(model), f"format: {model.format}", f"commit: {first_commit(path) or 'not known here'}"]
    return [*_network(model), *_classes(model), *made, *end]


def model_json(model: Model, path: Path) -> dict[str, Any]:
    """Describe a model as plain types."""
    return describe(model) | {"parameters": _size(model), "stride": model.network.stride, "commit": first_commit(path)}


def first_commit(path: Path | str) -> str | None:
    """The first commit, shortened, of this repository whose dvc.lock names a file by its MD5; None if none does."""
    with Path(path).open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    found = git_output("log", "--all", "--reverse", "-S", md5, "--format=%h", "--", ":(top,glob)**/dvc.lock")
    return found.split()[0] if found and found.split() else None


def _network(model: Model) -> list[str]:
    resolution = model.origin.resolution
    return [
        f"model: {model.architecture.model}",
        *([] if model.architecture.members else _built(model.architecture)),
        f"parameters: {_size(model):,}",
        f"stride: {model.network.stride}",
        f"scale: {model.scale}",
        *_images(model.images),
        f"ground resolution: {f'{resolution:g} m per pixel at this scale' if resolution else 'not known'}",
    ]


def _built(architecture: Architecture) -> list[str]:
    """What the model of an architecture is built with."""
    return [
        f"backbone: {architecture.backbone or '-'}",
        f"upsampling: {architecture.upsampling}",
        f"context: {architecture.context}",
    ]


def _members(model: Model) -> list[str]:
    """The networks of an ensemble; none of another model."""
    lines = []
    for i, (member, made) in enumerate(zip(model.architecture.members, model.origin.members, strict=False), 1):
        lines += [f"network {i}: {member.model}", *(f"  {line}" for line in [*_built(member), *_origin(made)])]
    return lines


def _images(images: ImageSpec) -> list[str]:
    """The bands and the statistics by which the network normalises them, in pixel values."""
    unit = "8 bits, 0 to 255" if images.dtype == "uint8" else images.dtype
    lines = [f"bands: {', '.join(map(printable, images.bands))}; {unit}"]
    lows, highs = images.low, images.high
    for i, name in enumerate(images.bands):
        mean, std = (values[i] * images.divisor for values in (images.mean, images.std))
        known = f", percentiles 2 and 98: {lows[i]:.6g} and {highs[i]:.6g}" if lows and highs else ""
        lines.append(f"  {printable(name)}: mean {mean:.6g}, standard deviation {std:.6g}{known}")
    return lines


def _classes(model: Model) -> list[str]:
    def line(name: str) -> str:
        return f"  {name} {', '.join(map(hex_colour, model.classes.all_colours(name)))}"

    lines = ["classes:", *map(line, model.classes.names)]
    if model.classes.ignore:
        lines.append(f"{line(model.classes.ignore_name)}, never predicted")
    return lines


def _origin(origin: Origin) -> list[str]:
    """What is known of a training."""
    return [*_data_and_score(origin), _initial_weights(origin), *_params(origin)]


def _data_and_score(origin: Origin) -> list[str]:
    data, score = origin.data, origin.score
    lines = ["data: not known", "score: not known"]
    if data:
        images = "scenes" if data.get("layout") == "scenes" else "images"
        lines[0] = (
            f"data: {data['root']}, trained on {data['train_images']} {images} ({data['train_tiles']} tiles), "
            f"validated on {data['validation_images']} ({data['validation_tiles']} tiles){_aside(data)}"
        )
    if score:
        mean_iou, accuracy = (_figure(score[key]) for key in ("tile_mean_iou", "tile_accuracy"))
        lines[1] = (
            f"score: mean IoU {mean_iou}, pixel accuracy {accuracy} on the validation tiles, epoch {score['epoch']}"
        )
    return lines


def _aside(data: Table) -> str:
    """How the validation data were chosen; empty if they have a folder of their own."""
    if not data["holdout"]:
        return ""
    if data.get("split") != "block":  # earlier versions recorded the holdout of images only
        what = "scene" if data.get("layout") == "scenes" else "image of train/"
        return f", every {data['holdout']}th {what} kept aside for validation"
    distance = f", {data['buffer']:,.12g} m from training" if data.get("buffer") else ""
    return f", one in {data['holdout']} blocks of {data.get('block', 0):,.12g} m kept aside for validation{distance}"


def _int8(model: Model) -> list[str]:
    if not model.int8:
        return []
    figures, lines = model.int8, [f"int8: calibrated on {model.int8.windows} windows"]
    if figures.images is not None:
        ours = f"mean IoU {_figure(figures.mean_iou)}, pixel accuracy {_figure(figures.pixel_accuracy)}"
        floats = f"{_figure(figures.float_mean_iou)} and {_figure(figures.float_pixel_accuracy)} of the float weights"
        lines.append(f"int8 score: {ours} on {figures.images} images, {floats}")
    return lines


def _initial_weights(origin: Origin) -> str:
    random = origin.params is not None and origin.params.get("weights") == "none"
    return f"initial weights: {origin.weights or ('random' if random else 'not known')}"


def _params(origin: Origin) -> list[str]:
    params = origin.params
    if params is None:
        return ["params: not known"]
    here = _params_here()
    if here is None:
        return ["params:", *(f"  train.{key} = {shown(value)}" for key, value in params.items())]
    found = differences("train.", params, {key: here[key] for key in here if key in params}, str(PARAMS))
    return [f"params that differ from {PARAMS}:{'' if found else ' none'}", *(f"  {line}" for line in found)]


def _params_here() -> dict[str, Any] | None:
    """The block `train` of the params.yaml in the working directory; None if there is none that can be read."""
    try:
        check_readable(PARAMS)
        params = dict(load_yaml(PARAMS.read_text(encoding="utf-8"))["train"])
    except (OSError, LookupError, TypeError, ValueError, RecursionError, yaml.YAMLError):
        return None
    if isinstance(params.get("weights"), str) and Path(params["weights"]).is_absolute():
        params["weights"] = Path(params["weights"]).name  # as model files have it
    return params


def _size(model: Model) -> int:
    return sum(weights.numel() for weights in model.network.parameters())


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
