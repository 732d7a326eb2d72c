"""The command `landcover info`: what a trained model is, where it comes from and how good it was."""

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.cli.arguments import declare
from landcover.cli.evaluate import print_json
from landcover.system.differences import differences, shown
from landcover.system.git import git_output

if TYPE_CHECKING:  # --help must answer at once
    from landcover.models.model_file import Model

PARAMS = Path("params.yaml")

_EPILOG = """\
It prints the network, the input that it takes and the ground that a pixel covers, the classes and their colours; the
data set, the parameters and the score of its training, as its file tells them; and the commit of the repository here
whose dvc.lock names this very file. Score: of the kept epoch on the validation tiles, without test-time augmentation.
Of the parameters, in a folder with a params.yaml only those that differ from it.

examples:
  landcover info models/model.safetensors
  landcover info models/model.safetensors --json

exit codes:
  0  it is a model
  1  it is none; stderr says why
  2  wrong arguments
"""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Declare it."""
    command = declare(commands, "info", "say what a trained model is, what it was trained on and how well", _EPILOG)
    command.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors")
    command.add_argument("--json", action="store_true", help="print all that the file tells as JSON")
    command.set_defaults(run=info)


def info(arguments: argparse.Namespace) -> None:
    """Print what a model file says of itself, and what is known here of it."""
    from landcover.models.model_file import FORMAT, describe, load_model

    model = load_model(arguments.model)
    commit = commit_of(arguments.model)
    if arguments.json:
        content = describe(model) | {"parameters": _size(model), "stride": model.network.stride, "commit": commit}
        print_json(content)
    else:
        print("\n".join([*_what(model), *_whence(model), f"format: {FORMAT}", f"commit: {commit or 'not known here'}"]))
    model.warn_if_collapsed()


def commit_of(path: Path | str) -> str | None:
    """The first commit, shortened, of the repository here whose dvc.lock names this file by its MD5; None without."""
    with Path(path).open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    found = git_output("log", "--all", "--reverse", "-S", md5, "--format=%h", "--", ":(top,glob)**/dvc.lock")
    return found.split()[0] if found and found.split() else None


def _what(model: "Model") -> list[str]:
    from landcover.classes.colours import hex_colour

    architecture, resolution = model.architecture, model.origin.resolution

    def colours(name: str) -> str:
        return ", ".join(map(hex_colour, model.classes.all_colours(name)))

    lines = [
        f"model: {architecture.model}",
        f"backbone: {architecture.backbone or '-'}",
        f"upsampling: {architecture.upsampling}",
        f"context: {architecture.context}",
        f"parameters: {_size(model):,}",
        f"stride: {model.network.stride}",
        f"scale: {model.scale}",
        "bands: red, green, blue; 8 bits, 0 to 255",
        f"ground resolution: {f'{resolution:g} m per pixel at this scale' if resolution else 'not known'}",
        "classes:",
        *(f"  {name} {colours(name)}" for name in model.classes.names),
    ]
    if model.classes.ignore:
        lines.append(f"  {model.classes.ignore_name} {colours(model.classes.ignore_name)}, never predicted")
    return lines


def _whence(model: "Model") -> list[str]:
    """Data set, score and parameters of the training."""
    from landcover.system.errors import printable

    data, score = model.origin.data, model.origin.score
    lines = ["data: not known", "score: not known"]
    if data:
        aside = f", every {data['holdout']}th image of train/ kept aside to validate" if data["holdout"] else ""
        lines[0] = (
            f"data: {data['root']}, trained on {data['train_images']} images ({data['train_tiles']} tiles), "
            f"validated on {data['validation_images']} ({data['validation_tiles']} tiles){aside}"
        )
    if score:
        mean_iou, accuracy = (_figure(score[key]) for key in ("tile_mean_iou", "tile_accuracy"))
        lines[1] = (
            f"score: mean IoU {mean_iou}, pixel accuracy {accuracy} on the validation tiles, epoch {score['epoch']}"
        )
    return [printable(line) for line in [*lines, *_params(model)]]


def _params(model: "Model") -> list[str]:
    params = model.origin.params
    if params is None:
        return ["params: not known"]
    here = _params_here()
    if here is None:
        return ["params:", *(f"  train.{key} = {shown(value)}" for key, value in params.items())]
    found = differences("train.", params, {key: here[key] for key in here if key in params}, str(PARAMS))
    return [f"params that differ from {PARAMS}:{'' if found else ' none'}", *(f"  {line}" for line in found)]


def _params_here() -> dict[str, Any] | None:
    """The block `train` of the params.yaml of the folder that the command runs in; None without one to read."""
    import yaml

    from landcover.system.documents import load_yaml
    from landcover.system.paths import check_readable

    try:
        check_readable(PARAMS)
        params = dict(load_yaml(PARAMS.read_text(encoding="utf-8"))["train"])
    except (OSError, LookupError, TypeError, ValueError, RecursionError, yaml.YAMLError):
        return None
    if isinstance(params.get("weights"), str) and Path(params["weights"]).is_absolute():
        params["weights"] = Path(params["weights"]).name  # as models have it
    return params


def _size(model: "Model") -> int:
    return sum(weights.numel() for weights in model.network.parameters())


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
