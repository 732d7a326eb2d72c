"""Drawing of the maps that `landcover predict` has planned, as colour masks, as GeoTIFFs and as polygons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.cli.map_jobs import Job
from landcover.geo.polygon_files import digest, source_of
from landcover.inference.mask_files import predict_masks
from landcover.inference.options import InferenceOptions
from landcover.models.model_file import Model
from landcover.system.errors import LandcoverError, requiring_extra, say
from landcover.system.parallel import error_as_result


@dataclass(frozen=True)
class MapOptions:
    """What does not concern the model.

    Attributes:
        cog: Whether GeoTIFFs are laid out as Cloud Optimized GeoTIFFs.
        bands, stretch, allow_vrt_paths: Of the input, see `raster.open_raster`.
        probabilities: Whether class probabilities are written beside the maps.
        quiet: Whether to show neither progress nor notes.
    """

    cog: bool
    bands: Sequence[int] | None
    stretch: tuple[float, float] | None
    allow_vrt_paths: bool
    probabilities: bool
    quiet: bool


def require_rasters(jobs: Sequence[Job], options: Mapping[str, object]) -> None:
    """Check that all maps are GeoTIFFs if options need it, and that the packages for GeoTIFFs are installed.

    Args:
        options: By name, those that GeoTIFFs alone have; the ones that are not used are None.

    Raises:
        LandcoverError: One of them is used for another image, or a package is missing.
    """
    masks = [job.image for job in jobs if not job.is_raster]
    for name, value in options.items():
        if masks and value:
            raise LandcoverError(f"{masks[0]}: --{name} works for GeoTIFFs only. Remove it, or add --format gtiff.")
    if len(masks) < len(jobs):
        with requiring_extra("GeoTIFFs", "geo"):
            import landcover.geo.maps
            import landcover.geo.polygons  # noqa: F401
            from landcover.geo.raster_access import skip_services
        skip_services()


def draw_maps(model: Model, jobs: Sequence[Job], inference: InferenceOptions, options: MapOptions) -> list[str]:
    """Draw the map of each job; return a line for each image that cannot be read."""
    masks, rasters = ([job for job in jobs if job.is_raster is wanted] for wanted in (False, True))
    return [*_draw_masks(model, masks, inference, options), *_draw_rasters(model, rasters, inference, options)]


def draw_polygons(path: Path, source: Path, *, overwrite: bool, quiet: bool) -> None:
    """Draw the polygons of a map, unless they exist and were made of this very map."""
    from landcover.geo.polygons import write_polygons

    if not overwrite and source_of(path) == digest(source):
        return
    count = write_polygons(path, source)
    if not quiet:
        say(f"{path}: {count} polygons")


def _draw_masks(model: Model, jobs: Sequence[Job], inference: InferenceOptions, options: MapOptions) -> list[str]:
    if not jobs:
        return []
    first = jobs[0].mask  # all are in its folder, and end as it does behind their names
    return predict_masks(
        model,
        {job.name: job.image for job in jobs},
        first.parent,
        inference,
        keep_going=True,
        quiet=options.quiet,
        probabilities=options.probabilities,
        ending=first.name.removeprefix(jobs[0].name),
    )


def _draw_rasters(model: Model, jobs: Sequence[Job], inference: InferenceOptions, options: MapOptions) -> list[str]:
    if not jobs:
        return []
    from landcover.geo.maps import predict_map

    noted: set[str] = set()  # a note on many images is printed once

    @error_as_result
    def draw(job: Job) -> None:
        predict_map(
            model,
            job.image,
            job.mask,
            inference,
            cog=options.cog,
            bands=options.bands,
            stretch=options.stretch,
            allow_vrt_paths=options.allow_vrt_paths,
            noted=noted,
            probabilities=job.probabilities,
            quiet=options.quiet,
        )

    return [line for error in map(draw, jobs) if error for line in error.lines]
