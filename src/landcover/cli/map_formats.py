"""Formats of the maps that `landcover predict` draws. A new format is a new entry of `MAP_FORMATS`.

What draws them is imported late, as --help names the formats and must answer at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.inference.options import InferenceOptions
from landcover.system.errors import Problems
from landcover.system.locations import Location, paths

if TYPE_CHECKING:
    from landcover.geo.stac_scenes import ItemScene
    from landcover.models.model_file import Model
    from landcover.rasters.stretching import Percentiles
    from landcover.scale.cluster import Cluster
    from landcover.scale.progress import BlockCounts


@dataclass(frozen=True)
class DrawingOptions:
    """What the command says about all maps, apart from the windows and views.

    Attributes:
        inference: Windows and views.
        bands, stretch, allow_vrt_paths: Of the images, see `raster.open_raster`.
        probabilities: Whether class probabilities are written beside the maps.
        confidence: Whether files that say how sure the network is are.
        quiet: Whether to show neither progress nor notes.
        time: Of images that do not tell theirs, for STAC items.
        on: Who draws the maps; None for this process.
    """

    inference: InferenceOptions
    bands: Sequence[int | str] | None
    stretch: "Percentiles | None"
    allow_vrt_paths: bool
    probabilities: bool
    quiet: bool
    time: datetime | None = None
    confidence: bool = False
    on: "Workers | None" = None


@dataclass(frozen=True)
class Workers:
    """Workers that draw maps.

    Attributes:
        cluster: To which they belong.
        block: Side in pixels of the blocks in which they draw.
        counts: What became of the blocks so far.
        blocks: Folder in which those of the maps are; None for the folder of each map.
    """

    cluster: "Cluster"
    block: int
    counts: "BlockCounts"
    blocks: Path | None = None


@dataclass(frozen=True)
class Job:
    """An image and what is drawn of it."""

    name: str
    image: Location
    format: "MapFormat"
    mask: Path
    probabilities: Path | None
    item: Path | None = None  # of STAC
    confidence: Path | None = None
    source: "ItemScene | None" = None  # of which it is, if it is a STAC item's

    def outputs(self) -> list[Path]:
        """Return the files that are made; a legend comes with the mask and is not among them."""
        return [path for path in (self.mask, self.probabilities, self.item, self.confidence) if path]

    def files(self) -> tuple[Location, ...]:
        """Return the files of which it is drawn."""
        return self.source.scene.files if self.source else (self.image,)

    def is_done(self) -> bool:
        """Return whether the files exist."""
        return all(path.exists() for path in self.outputs())


@dataclass(frozen=True)
class MapFormat:
    """A format of maps.

    Attributes:
        title: In words, a plural.
        suffixes: Of its files; the first is that of maps named after their images.
        is_georeferenced: Whether maps lie where their images lie. These are then read with rasterio (the extra geo),
            and the options --bands, --stretch and --polygons apply; otherwise images must have 8 bits.
        draw: Draws several maps of this format; returns a line for each image that cannot be read.
        probability_suffix: Of the class probabilities beside a map; None for the suffix of the map.
    """

    title: str
    suffixes: tuple[str, ...]
    is_georeferenced: bool
    draw: Callable[["Model", Sequence[Job], DrawingOptions], list[str]]
    probability_suffix: str | None = None


def _draw_png(model: "Model", jobs: Sequence[Job], options: DrawingOptions) -> list[str]:
    draw: Callable[..., list[str]]
    if options.on:
        from landcover.scale.masks import predict_masks_on

        draw = partial(predict_masks_on, options.on.cluster)
    else:
        from landcover.inference.mask_files import predict_masks

        draw = predict_masks
    first = jobs[0].mask  # all masks are in its folder, and have its ending after their names
    return draw(
        model,
        {job.name: path for job in jobs for path in paths([job.image])},  # `plan_jobs` allows no others
        first.parent,
        options.inference,
        keep_going=True,
        quiet=options.quiet,
        probabilities=options.probabilities,
        confidence=options.confidence,
        ending=first.name.removeprefix(jobs[0].name),
    )


def _draw_gtiff(model: "Model", jobs: Sequence[Job], options: DrawingOptions) -> list[str]:
    return _draw_rasters(model, jobs, options, cog=False)


def _draw_cog(model: "Model", jobs: Sequence[Job], options: DrawingOptions) -> list[str]:
    return _draw_rasters(model, jobs, options, cog=True)


def _draw_rasters(model: "Model", jobs: Sequence[Job], options: DrawingOptions, *, cog: bool) -> list[str]:
    draw = _map_on(options.on) if options.on else _map_here()
    problems = Problems()
    noted: set[str] = set()  # a note that concerns many images is printed once
    for job in jobs:
        with problems.collecting():
            draw(
                model,
                job.source.scene if job.source else job.image,
                job.mask,
                options.inference,
                cog=cog,
                bands=job.source.bands if job.source and job.source.bands else options.bands,
                stretch=options.stretch,
                allow_vrt_paths=options.allow_vrt_paths,
                noted=noted,
                probabilities=job.probabilities,
                confidence=job.confidence,
                quiet=options.quiet,
            )
            if job.item:
                from landcover.geo.stac import write_stac_item

                origin = job.source.origin if job.source else None
                write_stac_item(job.item, job.mask, job.image, model, options.time, origin=origin, quiet=options.quiet)
    return problems.lines


def _map_here() -> Callable[..., None]:
    from landcover.geo.maps import predict_map

    return predict_map


def _map_on(workers: Workers) -> Callable[..., None]:
    from landcover.scale.maps import predict_map_on

    def draw(*arguments: Any, **further: Any) -> None:
        further |= {"block": workers.block, "blocks": workers.blocks}
        workers.counts.add(predict_map_on(workers.cluster, *arguments, **further))

    return draw


MAP_FORMATS = {
    "png": MapFormat("colour masks", (".png",), is_georeferenced=False, draw=_draw_png, probability_suffix=".npy"),
    "gtiff": MapFormat("GeoTIFFs", (".tif", ".tiff"), is_georeferenced=True, draw=_draw_gtiff),
    "cog": MapFormat("Cloud Optimized GeoTIFFs", (".tif", ".tiff"), is_georeferenced=True, draw=_draw_cog),
}
"""By the name that `--format` takes. Of formats with the same suffix, the first is the default for such a file."""

AUTO = "auto"
"""`--format` that goes by the image: `gtiff` for georeferenced ones, else `png`."""
