"""The command `landcover report`: a page to look at predictions, outside the pipeline."""

from pathlib import Path

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH, path_here, real_number
from landcover.cli.options import (
    ScoringOptions,
    allow_missing_option,
    classes_option,
    max_off_palette_option,
    quiet_option,
)
from landcover.cli.scoring_help import MASKS

_EPILOG = f"""\
The page needs no network: it opens from disk in any browser. One swipes
between image, truth, prediction, and what is right or wrong; a line says
class, truth and place of the pixel under the pointer; and the scores are those
of landcover evaluate and, with --against, of landcover compare.

If not all images fit into --megabytes, the worst, the median, the best and a
random sample are shown, and the page says so; the scores are those of all.
Images whose longer side has more than 1024 pixels are shown smaller. Where
NAME_confidence lies beside each predicted mask (landcover predict
--confidence), the page shows how sure the network was.

Images are NAME_sat.EXT or, in a folder without any of these, NAME.EXT. Of a
GeoTIFF of other pixels than red, green and blue of 8 bits, three bands are
shown, stretched to 8 bits; georeferenced files give the page coordinates.

{MASKS}

Examples:
  landcover report maps -g truth -i images -o report.html
  landcover report maps -i images -o report.html
  landcover report maps/new -g truth -i images --against maps/old -o report.html

Exit codes:
  0  the page was written
  1  it was not: files without a partner (unless --allow-missing), of unlike
     sizes or broken, colours of no class, or wrong input; stderr says what, a
     line for each
  2  wrong command line"""


def html_file(value: str) -> Path:
    """Type of the name of a page."""
    if Path(value).suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"{value}: give a file name that ends in .html.")
    return Path(path_here(value))


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("predictions", type=PATH, metavar="PREDICTIONS", help="Folder of the predicted masks.")
@click.option("-g", "--labels", "truth", type=PATH, metavar="FOLDER", help="Folder of the true masks.")
@click.option("-i", "--images", type=PATH, metavar="FOLDER", help="Folder of the images.")
@click.option("-o", "--output", type=html_file, required=True, metavar="PAGE.html", help="The page to write.")
@click.option("--against", type=PATH, metavar="FOLDER", help="Folder of other masks predicted for the same images.")
@click.option("--title", metavar="TEXT", help="Heading of the page; by default the name of PREDICTIONS.")
@click.option(
    "--megabytes",
    type=real_number(lambda size: 0 < size <= 2000, "above 0, at most 2000"),
    default=15,
    metavar="NUMBER",
    help="Most that the page may take, in millions of bytes.",
)
@classes_option
@max_off_palette_option
@allow_missing_option
@quiet_option("Print nothing but errors.")
def report(
    predictions: Path,
    truth: Path | None,
    images: Path | None,
    output: Path,
    against: Path | None,
    title: str | None,
    megabytes: float,
    classes: Path | None,
    max_off_palette: float,
    allow_missing: bool,
    quiet: bool,
) -> None:
    """Write a page that shows predictions and their scores."""
    from landcover.cli.report_job import Folders, write_page
    from landcover.report.report_page import MEGABYTE
    from landcover.system.errors import say

    options = ScoringOptions(
        truth=truth or against or predictions,
        classes=classes,
        max_off_palette=max_off_palette,
        allow_missing=allow_missing,
        quiet=quiet,
    )
    folders = Folders(predictions, truth, images, against)
    shown = write_page(folders, options, output, title or predictions.resolve().name, megabytes)
    if not quiet:
        which = shown.text or ("its image is shown." if shown.total == 1 else f"all {shown.total} images are shown.")
        say(f"{output}: {shown.size / MEGABYTE:.1f} MB; {which}")
