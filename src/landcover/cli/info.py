"""The command `landcover info`: what is known of a trained model."""

from pathlib import Path

import click

from landcover.cli.command_line import Command
from landcover.cli.options import json_option, model_argument

_EPILOG = """\
It prints the network, its input and the ground that a pixel covers; the
classes and their colours; the data set, the parameters and the score of the
training, as recorded in the file; and the commit of this repository whose
dvc.lock names this very file. The score is that of the kept epoch on the
validation tiles, without test-time augmentation. In a folder with a
params.yaml, only the parameters that differ from it are shown.

Examples:
  landcover info models/model.safetensors
  landcover info models/model.safetensors --json

Exit codes:
  0  it is a model
  1  it is not; stderr says why
  2  wrong command line
"""


@click.command(cls=Command, epilog=_EPILOG)
@model_argument
@json_option
def info(model: Path, as_json: bool) -> None:
    """Describe a trained model: its network, training data and score."""
    from landcover.cli.model_description import model_json, model_lines
    from landcover.cli.printing import print_json
    from landcover.models.model_file import load_model

    loaded = load_model(model)
    if as_json:
        print_json(model_json(loaded, model))
    else:
        print("\n".join(model_lines(loaded, model)))
    loaded.warn_if_collapsed()
