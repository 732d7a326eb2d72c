"""What `landcover predict` does with STAC items, without the packages for them where there are none."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli.inputs import find_inputs, names_item
from landcover.cli.map_formats import Job
from landcover.cli.options import SearchOptions
from landcover.system.errors import LandcoverError, requiring_extra
from landcover.system.locations import Location

if TYPE_CHECKING:
    from landcover.geo.stac_scenes import ItemScene


def find_item_scenes(
    inputs: Sequence[str],
    search_for: SearchOptions,
    period: tuple[datetime | None, datetime | None] | None,
    model: Path,
    bands: Sequence[int | str] | None,
    *,
    quiet: bool,
) -> "dict[str, ItemScene]":
    """Find the scenes of the items among the inputs, and of those that a search finds, by name.

    Raises:
        click.UsageError: There is neither an input nor a search, or the options of a search do not fit together.
        LandcoverError: See `stac_inputs.item_scenes`; or a package is missing.
    """
    items = [text for text in inputs if names_item(text)]
    if search_for.url is None:
        given = {"--collection": search_for.collections, "--bbox": search_for.box, "--composite": search_for.composite}
        if wrong := next((name for name, value in given.items() if value), None):
            raise click.UsageError(f"{wrong} is for a search. Add --stac URL, or remove it.")
        if not inputs:
            raise click.UsageError("Missing argument 'INPUT'; or search for images: --stac URL --bbox W,S,E,N.")
        if not items:
            return {}
    elif search_for.box is None:
        raise click.UsageError("--stac needs --bbox W,S,E,N: the part of the Earth to be mapped.")
    with requiring_extra("STAC items", "stac"):
        from landcover.cli.stac_inputs import item_scenes
        from landcover.models.model_file import load_model
        from landcover.rasters.access import skip_services
    skip_services()
    return item_scenes(items, search_for, period or (None, None), load_model(model).images, bands, quiet=quiet)


def merged_inputs(inputs: Sequence[str], found: "Mapping[str, ItemScene]") -> dict[str, Location]:
    """The images by name: files, see `inputs.find_inputs`, and the first files of the scenes of items.

    Raises:
        LandcoverError: See `inputs.find_inputs`; or a file has the name of an item.
    """
    images = find_inputs(text for text in inputs if not names_item(text))
    if both := sorted(images.keys() & found.keys()):
        raise LandcoverError(f"{images[both[0]]}: a STAC item has the same name. Predict them to different folders.")
    return images | {name: Path(f"{name}.tif") for name in found}


def item_time(text: str | None, stac_item: bool, search_for: SearchOptions) -> datetime | None:
    """The time of images that do not tell theirs, for STAC items of maps; None if the text is that of a search.

    Raises:
        LandcoverError: There is a text, but it is for nothing, or it is no single time.
    """
    if text is None or search_for.url:
        return None
    if not stac_item:
        raise LandcoverError("--datetime: is for STAC items. Add --stac-item or --stac URL, or remove it.")
    from landcover.geo.times import parsed_time

    moment = parsed_time(text)
    if moment is None:
        raise LandcoverError(f"--datetime {text}: a range is for a search, --stac URL. Give a time, or a day.")
    return moment


@contextmanager
def prepared(jobs: Sequence[Job], new: Sequence[Job], *, quiet: bool) -> Iterator[list[Job]]:
    """Yield the new jobs, ready to be drawn, see `stac_inputs.prepare_jobs`; what was made for them goes at the end."""
    with ExitStack() as stack:
        if any(job.source for job in jobs):
            from landcover.cli.stac_inputs import prepare_jobs

            new = prepare_jobs(jobs, new, stack, quiet=quiet)
        yield list(new)
