"""The scenes of the STAC items that `landcover predict` is given or finds. Needs the extra stac."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from landcover.cli.map_formats import Job
from landcover.cli.options import SearchOptions
from landcover.geo.stac_access import read_item
from landcover.geo.stac_composites import write_composite
from landcover.geo.stac_scenes import ItemScene, by_name, composite_scene, note_choice, scene_of, warn_of_units
from landcover.geo.stac_search import Query, search
from landcover.geo.stac_tiles import least_cloudy
from landcover.images.image_spec import ImageSpec
from landcover.rasters.access import open_dataset
from landcover.rasters.stacks import open_files
from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote, location
from landcover.system.scratch import exclusive


def item_scenes(
    items: Sequence[str],
    search_for: SearchOptions,
    period: tuple[datetime | None, datetime | None],
    images: ImageSpec,
    bands: Sequence[int | str] | None,
    *,
    quiet: bool,
) -> dict[str, ItemScene]:
    """Find the scenes of items, by name.

    Args:
        items: Files and URLs of items that the user named.
        search_for: Where to search for more.
        period: When images of these were taken.
        images: What the model takes.
        bands: Names of the bands to take, in the model's order; None for the model's own.
        quiet: Whether to be silent about what was chosen.

    Raises:
        LandcoverError: Something cannot be read, or has no such bands; or nothing was found.
    """
    wanted = _wanted(images, bands)
    scenes = [scene_of(read_item(location(text)), wanted, images.dtype) for text in items]
    if search_for.url and search_for.box:
        url = location(search_for.url)
        if not isinstance(url, Remote):
            raise LandcoverError(f"--stac {url}: not a URL. Name the files of items as inputs, without --stac.")
        query = Query(search_for.box, search_for.collections, *period, search_for.max_items)
        found = search(url, query)
        if search_for.composite:
            scenes.append(composite_scene(found, wanted, images.dtype, query))
        else:
            chosen = least_cloudy(found, query.area())
            if not quiet:
                note_choice(chosen, len(found))
            scenes += [scene_of(item, wanted, images.dtype, search_for.box) for item in chosen]
    named = by_name(scenes)
    warn_of_units(list(named.values()))
    return named


def prepare_jobs(jobs: Sequence[Job], new: Sequence[Job], stack: ExitStack, *, quiet: bool) -> list[Job]:
    """Return the new jobs, ready to be drawn: composites are made, in a folder that `stack` removes.

    Raises:
        LandcoverError: A composite cannot be made; or a map that is kept is of another part of its item.
    """
    for job in jobs:
        if job.source and job.source.scene.box and job not in new:
            _check_kept(job)
    ready = []
    for job in new:
        if job.source and job.source.composite:
            folder = stack.enter_context(exclusive(job.mask.with_name(f"{job.name}.tif")))
            path = folder / f"{job.name}.tif"
            write_composite(job.source.composite, path, quiet=quiet)
            scene = replace(job.source.scene, files=(path,))
            job = replace(job, source=replace(job.source, scene=scene))
        ready.append(job)
    return ready


def _check_kept(job: Job) -> None:
    """Check that an existing map is of the part of its item that is wanted now."""
    if job.source is None:
        return
    scene = job.source.scene
    with open_files(scene.files, scene.path, box=scene.box) as wanted, open_dataset(job.mask) as kept:
        if (kept.shape, kept.transform) != (wanted.shape, wanted.transform):
            raise LandcoverError(
                f"{job.mask}: exists already, of another --bbox. Name another folder, or add --overwrite."
            )


def _wanted(images: ImageSpec, bands: Sequence[int | str] | None) -> list[str]:
    if bands is None:
        return list(images.bands)
    if numbers := [band for band in bands if isinstance(band, int)]:
        raise LandcoverError(f"--bands {numbers[0]}: give names of bands of STAC items, such as red,green,blue.")
    if len(bands) != len(images.bands):
        raise LandcoverError(
            f"--bands: {len(bands)} names, but the model takes {len(images.bands)} bands: {', '.join(images.bands)}. "
            "Name as many, in this order."
        )
    return [str(band) for band in bands]
