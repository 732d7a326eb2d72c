"""Maps of georeferenced images of any size. Needs rasterio (the extra geo)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from landcover.geo.geotiff import confidence_map, probability_map, write_cog, write_geotiff
from landcover.geo.legends import legend_files
from landcover.geo.silence import libraries_silenced
from landcover.inference.engines import engine_in_words
from landcover.inference.options import DEFAULTS, InferenceOptions
from landcover.inference.prediction import label_strips
from landcover.models.model_file import Model
from landcover.rasters.raster import Raster, open_raster
from landcover.rasters.scenes import Scene
from landcover.rasters.stretching import Percentiles, limits_text
from landcover.system.errors import naming_memory_errors
from landcover.system.locations import Location, paths
from landcover.system.outputs import check_outputs
from landcover.system.paths import check_utf8_name
from landcover.system.progress_bar import progress_bar


def predict_map(
    model: Model,
    image: Location | str | Scene,
    path: Path | str,
    options: InferenceOptions = DEFAULTS,
    *,
    cog: bool = False,
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
    allow_vrt_paths: bool = False,
    noted: set[str] | None = None,
    probabilities: Path | str | None = None,
    confidence: Path | str | None = None,
    quiet: bool = False,
) -> None:
    """Write the land cover of an image as a georeferenced map, strip by strip.

    Args:
        model: Gives the map its classes and colours.
        image: Anything that rasterio reads, a path or a URL, or a scene of several files.
        path: Of the map. Its tags name the model, the engine, the bands that were used, and how they were stretched.
        options: Windows and views, and the engine.
        cog: Whether the map, and its confidence, are Cloud Optimized GeoTIFFs.
        bands, stretch, allow_vrt_paths: See `raster.open_raster`.
        noted: Kinds of notes (`Raster.notes`) that were printed before and are not repeated; new ones are added.
        probabilities: Also write the class probabilities to this GeoTIFF.
        confidence: Also write how sure the network is of each pixel to this GeoTIFF, see `geotiff.confidence_map`. It
            appears after the map: a map alone is one that has to be drawn again.
        quiet: Show neither notes nor a progress bar. Without a terminal there is no bar in any case.

    Raises:
        LandcoverError: The image cannot be read or has no such bands; a name is not UTF-8; an output cannot be written,
            or would replace the model or a file that the image consists of. Existing files then stay as they are.
    """
    scene = image if isinstance(image, Scene) else Scene.of(image)
    with drawing_map(
        model,
        scene,
        Path(path),
        engine=engine_in_words(model.network, options.engine),
        cog=cog,
        bands=bands,
        stretch=stretch,
        allow_vrt_paths=allow_vrt_paths,
        noted=noted,
        probabilities=probabilities,
        confidence=confidence,
        quiet=quiet,
    ) as drawing:
        strips = label_strips(
            model,
            drawing.raster,
            options,
            probabilities=drawing.add_probabilities,
            confidence=drawing.add_confidence,
        )
        drawing.write(_with_progress(strips, drawing.raster, scene.path.name, quiet))


@dataclass(frozen=True)
class MapDrawing:
    """A map that is drawn, once its labels are known. `drawing_map` makes one.

    Attributes:
        raster: The image, open.
        add_probabilities: Takes the next strip of class probabilities; None if they are not written.
        add_confidence: Takes the next strip of confidence, likewise.
        write: Takes the strips of labels and writes the map; while it waits for the next one, the map is locked.
    """

    raster: Raster
    add_probabilities: Callable[[np.ndarray], None] | None
    add_confidence: Callable[[np.ndarray], None] | None
    write: Callable[[Iterable[np.ndarray]], None]


@contextmanager
def drawing_map(
    model: Model,
    scene: Scene,
    path: Path,
    *,
    engine: str,
    cog: bool,
    bands: Sequence[int | str] | None,
    stretch: Percentiles | None,
    allow_vrt_paths: bool,
    noted: set[str] | None,
    probabilities: Path | str | None,
    confidence: Path | str | None,
    quiet: bool,
) -> Iterator[MapDrawing]:
    """Check that a map can be drawn, and open what it takes, whoever finds the labels: see `predict_map`."""
    more = [Path(name) for name in (probabilities, confidence) if name]
    outputs = [path, *legend_files(path), *more]
    here = paths(scene.files)
    for name in (*here, *outputs):
        check_utf8_name(name, "rasters")
    with ExitStack() as stack:
        stack.enter_context(naming_memory_errors(scene.path))
        stack.enter_context(libraries_silenced())
        raster = stack.enter_context(open_raster(scene, model.images, bands, stretch, allow_vrt_paths=allow_vrt_paths))
        check_outputs([*here, *files_of(raster), *model.files], files=outputs)
        if not quiet:
            raster.print_notes(set() if noted is None else noted)
        raster.warn_of_values()
        add_probabilities = add_confidence = None
        if probabilities:
            add_probabilities = stack.enter_context(probability_map(Path(probabilities), raster, model.classes))
        if confidence:
            add_confidence = stack.enter_context(confidence_map(Path(confidence), raster, cog=cog))

        def write(strips: Iterable[np.ndarray]) -> None:
            form = write_cog if cog else write_geotiff
            form(path, strips, raster, model.classes, _tags(model, engine, raster))

        yield MapDrawing(raster, add_probabilities, add_confidence, write)


def files_of(raster: Raster) -> list[Path]:
    """Return the files that an image consists of, such as those of a mosaic."""
    try:
        return [Path(name) for name in raster.dataset.files if not name.startswith("/vsi")]
    except UnicodeDecodeError:  # one of the names is not UTF-8, so no output, whose name must be, can replace it
        return []


def _tags(model: Model, engine: str, raster: Raster) -> dict[str, str]:
    tags = {"MODEL": str(model.architecture), "ENGINE": engine, "BANDS": ",".join(map(str, raster.bands))}
    if raster.stretch is None or raster.limits is None:
        return tags
    stretch = ",".join(f"{percentile:g}" for percentile in raster.stretch)
    return tags | {"STRETCH": stretch, "STRETCH_LIMITS": limits_text(raster.limits)}


def _with_progress(strips: Iterable[np.ndarray], raster: Raster, name: str, quiet: bool) -> Iterator[np.ndarray]:
    total = raster.height * raster.width / 1e6
    bar: tqdm[None] = progress_bar(name, total, "megapixels", decimals=1, quiet=quiet)
    with bar:
        for strip in strips:
            bar.update(strip.size / 1e6)
            yield strip
