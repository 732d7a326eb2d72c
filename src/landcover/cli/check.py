"""The command `landcover check`: what a data set is, what is wrong with it, and the parameters that fit it."""

from pathlib import Path

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH
from landcover.cli.options import json_option
from landcover.images.layouts import LAYOUTS

_EPILOG = """\
DATA is the folder of a data set: pairs of images and masks, or scenes with
labels on the map. Where it holds several scenes or labels, name the one to use.
It prints what was found, and the block `data` to paste into params.yaml.
Nothing is written.

Of many pairs, 60 are read; of large rasters, a sample of the pixels. Shares of
classes are those of what was read.

Examples:
  landcover check data/mine
  landcover check data/mine/polygons.gpkg --column landuse
  landcover check data/bluemarble --layout scenes

Exit codes:
  0  usable with the block that is printed
  1  not yet; stderr says what to fix, a line each
  2  wrong command line
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("data", type=PATH, metavar="DATA", help="Folder of a data set, or a scene or a file of labels.")
@click.option("--layout", type=click.Choice(LAYOUTS), help="How the data set lies there; without it, what fits best.")
@click.option("--column", metavar="NAME", help="Column of polygons and points with the class.")
@json_option
def check(data: Path, layout: str | None, column: str | None, as_json: bool) -> None:
    """Look at a data set and suggest its parameters."""
    from landcover.cli.printing import print_json
    from landcover.system.errors import LandcoverError, printable, requiring_extra

    with requiring_extra("Data sets of scenes", "geo"):
        from landcover.checking.check import check_data_set

    findings = check_data_set(data, layout, column)
    if as_json:
        print_json(findings.to_json())
    else:
        print("\n".join(printable(line) for line in findings.text().splitlines()))
    if findings.problems:
        raise LandcoverError(*findings.problems)
