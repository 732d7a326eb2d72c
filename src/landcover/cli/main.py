"""The program `landcover`: its commands, and how it ends when something is wrong."""

import sys

import click

from landcover import __version__
from landcover.cli.command_line import LazyGroup
from landcover.system.errors import one_line_errors, printable
from landcover.system.memory import keep_memory
from landcover.system.threads import wait_briefly

COMMANDS = (
    "predict",
    "evaluate",
    "compare",
    "validate",
    "report",
    "view",
    "check",
    "export",
    "quantize",
    "combine",
    "models",
    "info",
)

_EPILOG = """\
Examples:
  landcover predict town.jpg coast.tif -m models/model.safetensors -o maps
  landcover evaluate -g truth -p maps
  landcover compare maps other_maps -g truth
  landcover validate data/mine/validation -m models/model.safetensors
  landcover report maps -g truth -i images -o report.html
  landcover view maps/coast_mask.tif coast.tif --open
  landcover check data/mine
  landcover export models/model.safetensors -o model.onnx
  landcover quantize models/model.safetensors -o int8.safetensors \\
      --calibrate images --validate data/mine/validation
  landcover combine first.safetensors second.safetensors -o both.safetensors

Completion with the Tab key, of commands, options and files:
  bash  eval "$(_LANDCOVER_COMPLETE=bash_source landcover)"   in ~/.bashrc
  zsh   eval "$(_LANDCOVER_COMPLETE=zsh_source landcover)"    in ~/.zshrc
  fish  _LANDCOVER_COMPLETE=fish_source landcover | source    in config.fish

landcover COMMAND --help describes a command and gives examples.
"""


@click.group(
    cls=LazyGroup,
    names=COMMANDS,
    no_args_is_help=False,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100},
)
@click.version_option(__version__, message="%(version)s")
def landcover() -> None:
    """Draw land-cover maps with a trained model, score them, and see which networks can be trained."""


def main() -> None:
    """Run the program.

    An error that the user can fix ends in one line on stderr and exit code 1; a wrong command line in its usage, such
    a line, and exit code 2.
    """
    wait_briefly()
    keep_memory()
    with one_line_errors():
        try:
            landcover.main(prog_name="landcover", standalone_mode=False, windows_expand_args=False)
        except click.UsageError as error:
            if error.ctx:
                print(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'.", file=sys.stderr)
            print(f"error: {printable(error.format_message())}", file=sys.stderr)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit("interrupted")
