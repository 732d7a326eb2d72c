"""The command `landcover`: use a trained model and score masks outside the pipeline; see what can be trained."""

import argparse
import sys

from landcover import __version__
from landcover.cli import evaluate, export, info, predict, validate
from landcover.cli.arguments import declare
from landcover.system.errors import LandcoverError, one_line_errors
from landcover.system.memory import keep_memory
from landcover.system.threads import wait_briefly

EXAMPLES = """\
examples:
  landcover predict town.jpg coast.tif -m models/model.safetensors -o maps
  landcover predict images/ -m models/model.safetensors -o maps --tta d4
  landcover evaluate -g truth -p maps
  landcover compare maps other_maps -g truth
  landcover validate data/mine/validation -m models/model.safetensors
  landcover export models/model.safetensors -o model.onnx
  landcover models --backbone vgg16_bn
  landcover info models/model.safetensors
landcover COMMAND --help says more
"""
_MODELS = """\
examples:
  landcover models
  landcover models --model fcn8s --backbone vgg16_bn
"""


def main() -> None:
    """Run the command; what a user can mend ends in one line and exit code 1."""
    wait_briefly()
    parser = argparse.ArgumentParser(
        "landcover", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    predict.add_command(commands)
    evaluate.add_commands(commands)
    validate.add_command(commands)
    export.add_command(commands)
    command = declare(commands, "models", "list the networks that can be trained, their size and their cost", _MODELS)
    command.add_argument("--model", help="only this one")
    command.add_argument("--backbone", help="only on this one")
    command.add_argument("--classes", type=int, default=6, metavar="N", help="that the network tells apart (6)")
    command.set_defaults(run=models)
    info.add_command(commands)
    arguments = parser.parse_args()
    keep_memory()
    try:
        with one_line_errors():
            arguments.run(arguments)
    except KeyboardInterrupt:
        sys.exit("interrupted")


def models(arguments: argparse.Namespace) -> None:
    """Print a table of the networks."""
    from landcover.cli.network_table import format_table, model_table

    if not 1 <= arguments.classes <= 253:
        raise LandcoverError(f"--classes {arguments.classes}: give a number from 1 to 253")
    print(format_table(model_table(arguments.model, arguments.backbone, arguments.classes)))
    print("GFLOPs: of convolutions and matrix products; a multiply-add is two. Stride: of the finest features used.")
