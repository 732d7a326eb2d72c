"""Formats of the maps that `landcover predict` draws. A new format is a new entry of `MAP_FORMATS`.

What draws them is imported late, as --help names the formats and must answer at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.inference.options import InferenceOptions
from landcover.system.errors import Problems

if TYPE_CHECKING:
    from landcover.models.model_file import Model
    from landcover.rasters.stretching import Percentiles


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
    """

    inference: InferenceOptions
    bands: Sequence[int | str] | None
    stretch: "Percentiles | None"
    allow_vrt_paths: bool
    probabilities: bool
    quiet: bool
    time: datetime | None = None
    confidence: bool = False


@dataclass(frozen=True)
class Job:
    """An image and what is drawn of it."""

    name: str
    image: Path
    format: "MapFormat"
    mask: Path
    probabilities: Path | None
    item: Path | None = None  # of STAC
    confidence: Path | None = None

    def outputs(self) -> list[Path]:
        """Return the files that are made; a legend comes with the mask and is not among them."""
        return [path for path in (self.mask, self.probabilities, self.item, self.confidence) if path]

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
    from landcover.inference.mask_files import predict_masks

    first = jobs[0].mask  # all masks are in its folder, and have its ending after their names
    return predict_masks(
        model,
        {job.name: job.image for job in jobs},
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
    from landcover.geo.maps import predict_map

    problems = Problems()
    noted: set[str] = set()  # a note that concerns many images is printed once
    for job in jobs:
        with problems.collecting():
            predict_map(
                model,
                job.image,
                job.mask,
                options.inference,
                cog=cog,
                bands=options.bands,
                stretch=options.stretch,
                allow_vrt_paths=options.allow_vrt_paths,
                noted=noted,
                probabilities=job.probabilities,
                confidence=job.confidence,
                quiet=options.quiet,
            )
            if job.item:
                from landcover.geo.stac import write_stac_item

                write_stac_item(job.item, job.mask, job.image, model, options.time, quiet=options.quiet)
    return problems.lines


MAP_FORMATS = {
    "png": MapFormat("colour masks", (".png",), is_georeferenced=False, draw=_draw_png, probability_suffix=".npy"),
    "gtiff": MapFormat("GeoTIFFs", (".tif", ".tiff"), is_georeferenced=True, draw=_draw_gtiff),
    "cog": MapFormat("Cloud Optimized GeoTIFFs", (".tif", ".tiff"), is_georeferenced=True, draw=_draw_cog),
}
"""By the name that `--format` takes. Of formats with the same suffix, the first is the default for such a file."""

AUTO = "auto"
"""`--format` that goes by the image: `gtiff` for georeferenced ones, else `png`."""
