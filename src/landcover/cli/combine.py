"""The command `landcover combine`: several trained models as one file."""

from collections.abc import Sequence
from pathlib import Path

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH
from landcover.cli.options import output_file_option, quiet_option
from landcover.system.errors import say

_EPILOG = """\
The new model (an ensemble) gives each pixel the mean of the class
probabilities of the models, such as of one network trained with several seeds.
That is usually more accurate than each of them, and takes as long as all of
them together. Its file is used as any other: by predict, validate, export,
quantize and info; releases before 0.8 refuse it. Graphs of 8-bit integers are
left out; quantize makes one of the new model.

The models must have the same classes in the same order, take the same bands and
pixel type and work at the same scale. Without a file,
  landcover predict town.jpg -m A -m B -o maps
gives the same maps.

Examples:
  landcover combine first.safetensors second.safetensors -o both.safetensors
  landcover combine seeds/*.safetensors -o all.safetensors

Exit codes:
  0  the file was written
  1  it was not; stderr says why
  2  wrong command line
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("models", type=PATH, nargs=-1, required=True, metavar="MODEL...", help="Two model files or more.")
@output_file_option
@quiet_option("Print errors only: no summary.")
def combine(models: Sequence[Path], output: Path, quiet: bool) -> None:
    """Make one model of several, which averages them."""
    from landcover.models.combining import combined
    from landcover.models.model_file import load_model, save_model
    from landcover.system.outputs import check_outputs

    check_outputs(models, files=[output])
    model = combined([load_model(path) for path in models])
    model.warn_if_collapsed()
    save_model(model, output)
    if not quiet:
        say(f"{output}: {model.architecture}, {output.stat().st_size / 1e6:.1f} MB")
