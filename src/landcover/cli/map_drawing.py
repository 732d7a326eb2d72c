"""Draw the maps that `landcover predict` has planned, and polygons."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from landcover.cli.map_formats import MAP_FORMATS, DrawingOptions, Job, Workers
from landcover.geo.polygon_files import digest, recipe, source_of
from landcover.models.model_file import Model
from landcover.scale.options import ScaleOptions
from landcover.system.errors import LandcoverError, requiring_extra


def require_rasters(jobs: Sequence[Job], options: Mapping[str, object]) -> None:
    """Check that options for georeferenced maps apply to all maps, and that the packages for such maps are installed.

    Args:
        jobs: From `map_jobs.plan_jobs`.
        options: Those for georeferenced maps, by name; None if not given.

    Raises:
        LandcoverError: An option is given but a map is not georeferenced, or a package is missing.
    """
    others = [job.image for job in jobs if not job.format.is_georeferenced]
    for name, value in options.items():
        if others and value:
            raise LandcoverError(f"{others[0]}: --{name} works for GeoTIFFs only. Remove it, or add --format gtiff.")
    if len(others) < len(jobs):
        with requiring_extra("GeoTIFFs", "geo"):
            if options.get("stac-item"):
                pass
            from landcover.rasters.access import skip_services
        skip_services()


@contextmanager
def workers_of(
    scale: ScaleOptions, device: str, blocks: Path | None = None, *, quiet: bool
) -> Iterator[Workers | None]:
    """Yield the workers that draw maps, if any are asked for.

    Args:
        scale, device, quiet: See `cluster.connected`.
        blocks: Folder for the blocks of maps; None for those of the maps.

    Raises:
        LandcoverError: A package is missing, or there is no such scheduler.
    """
    if not scale.is_distributed:
        yield None
        return
    with requiring_extra("--workers and --scheduler", "scale"):
        from landcover.scale.cluster import connected
        from landcover.scale.progress import BlockCounts
    with connected(scale, device, quiet=quiet) as cluster:
        yield Workers(cluster, scale.block, BlockCounts(), blocks)


def draw_maps(model: Model, jobs: Sequence[Job], options: DrawingOptions) -> list[str]:
    """Draw the map of each job; return a line for each image that cannot be read."""
    broken = []
    for form in MAP_FORMATS.values():
        if chosen := [job for job in jobs if job.format is form]:
            broken += form.draw(model, chosen, options)
    return broken


def draw_polygons(
    path: Path,
    source: Path,
    min_area: float | None,
    simplify: float | None,
    workers: Workers | None = None,
    *,
    overwrite: bool,
) -> int | None:
    """Draw the polygons of a map, unless they exist and were made of this very map with these options.

    Args:
        path: Where they are drawn.
        source: The map.
        min_area, simplify: See `polygons.write_polygons`.
        workers: Which help, if there are any.
        overwrite: Draw them again in any case.

    Returns:
        Number of polygons that were drawn; None if they exist.
    """
    from landcover.geo.polygons import write_polygons

    if not overwrite and source_of(path) == recipe(digest(source), min_area, simplify):
        return None
    write: Callable[..., int] = write_polygons
    if workers:
        from landcover.scale.polygons import write_polygons_on

        write = partial(write_polygons_on, workers.cluster, block=workers.block)  # the bytes are the same
    return write(path, source, min_area=min_area, simplify=simplify)
