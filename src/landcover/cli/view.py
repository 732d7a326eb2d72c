"""The command `landcover view`: a map of any size in the browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH, whole_number

if TYPE_CHECKING:
    from landcover.classes.class_table import ClassTable

_EPILOG = """\
The page has the viewer of the report: a handle to swipe between map and
image, or between two maps; class, probability and coordinates under the
pointer; classes on and off. Files are read piece by piece, so that a map of
any size opens at once if it has overviews, as those of landcover predict have.

MAP is a GeoTIFF of landcover predict, another raster of one band of 8 bits
with a colour table, or a colour mask. If NAME_confidence.tif lies beside
NAME_mask.tif, it is shown too. IMAGE may have another resolution or reference
system: it is drawn on the map's grid. The map that --against names must have
the grid and the classes of MAP.

The server answers on this machine only, shows nothing but these files and
changes nothing. For a map on another machine, forward the port:
  ssh -L 8000:127.0.0.1:8000 HOST landcover view MAP --port 8000

Examples:
  landcover view maps/town_mask.tif town.tif --open
  landcover view maps/town_mask.tif town.tif --against old/town_mask.tif

Exit codes:
  1  a file cannot be shown, or Ctrl-C; stderr says why
  2  wrong command line
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("path", type=PATH, metavar="MAP")
@click.argument("image", type=PATH, metavar="[IMAGE]", required=False)
@click.option("--against", type=PATH, metavar="MAP", help="Another map of the same grid and classes, to compare with.")
@click.option("--port", type=whole_number(1, 65535), metavar="NUMBER", help="Port of the page; a free one if left out.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def view(path: Path, image: Path | None, against: Path | None, port: int | None, opens: bool) -> None:
    """Show a map of any size in the browser, beside its image."""
    from landcover.rasters.access import skip_services
    from landcover.system.errors import say
    from landcover.view.contents import open_contents
    from landcover.view.server import open_browser, serve

    def ready(address: str) -> None:
        say(f"{address} shows {path}; Ctrl-C ends it")
        if opens:
            open_browser(address)

    skip_services()
    with open_contents(path, image, against, _find_table) as contents:
        serve(contents, port or 0, ready)


def _find_table(path: Path) -> "ClassTable":
    """The classes of a colour mask: see `class_search.find_class_table`."""
    from landcover.api.class_search import find_class_table
    from landcover.system.errors import note

    table, source = find_class_table([path.parent])
    note(f"{path}: a colour mask; its classes are taken from {source or 'the preset DeepGlobe'}")
    return table
