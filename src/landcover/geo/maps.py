"""Maps of georeferenced images of any size. Needs rasterio (the extra geo)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from landcover.geo.geotiff import probability_map, write_map
from landcover.geo.raster import Raster, open_raster
from landcover.geo.silence import libraries_silenced
from landcover.geo.stretching import limits_text
from landcover.inference.prediction import label_strips
from landcover.models.model_file import Model
from landcover.system.errors import naming_memory_errors, note
from landcover.system.outputs import check_outputs
from landcover.system.paths import check_utf8_name
from landcover.system.progress_bar import progress_bar


def predict_map(
    model: Model,
    image: Path | str,
    path: Path | str,
    *,
    cog: bool = False,
    bands: Sequence[int] | None = None,
    stretch: tuple[float, float] | None = None,
    allow_vrt_paths: bool = False,
    noted: set[str] | None = None,
    probabilities: Path | str | None = None,
    quiet: bool = False,
    **options: Any,
) -> None:
    """Write the land cover of an image as a GeoTIFF, row band after row band.

    Args:
        model: Whose classes and colours the map has.
        image: Anything that rasterio reads.
        path: Of the map, see `geotiff.write_map`. It says in its tags which model it is of, which bands were taken for
            red, green and blue, and how they were stretched.
        cog: Lay it out as a Cloud Optimized GeoTIFF.
        bands, stretch, allow_vrt_paths: See `raster.open_raster`.
        noted: Kinds of notes (`Raster.notes`) that were printed before and are not printed again; others are added.
        probabilities: Of a further GeoTIFF, with those of the classes.
        quiet: Without notes, and without a progress bar, which there is on terminals only in any case.
        options: Those of `inference.label_strips`.

    Raises:
        LandcoverError: The image cannot be read, or has no such bands; a name is not UTF-8; an output would replace
            the model or a file of which the image is made. Files that stood at the paths are as before.
    """
    image, path = Path(image), Path(path)
    probabilities = probabilities and Path(probabilities)
    for name in (image, path, probabilities or path):
        check_utf8_name(name, "rasters")
    with ExitStack() as stack:
        stack.enter_context(naming_memory_errors(image))
        stack.enter_context(libraries_silenced())
        raster = stack.enter_context(open_raster(image, bands, stretch, allow_vrt_paths=allow_vrt_paths))
        inputs = [image, *_parts(raster), *([model.path] if model.path else [])]
        check_outputs(inputs, files=[path, *([probabilities] if probabilities else [])])
        if not quiet:
            _print_notes(raster, set() if noted is None else noted)
        if probabilities:
            options["probabilities"] = stack.enter_context(probability_map(probabilities, raster, model.classes))
        labels = _with_progress(label_strips(model, raster, **options), raster, image.name, quiet)
        write_map(path, labels, raster, model.classes, cog=cog, tags=_tags(model, raster))


def _print_notes(raster: Raster, noted: set[str]) -> None:
    for kind, line in raster.notes.items():
        if kind not in noted:
            noted.add(kind)
            note(line)


def _parts(raster: Raster) -> list[Path]:
    """The files of which an image is made, such as those of a mosaic."""
    try:
        return [Path(name) for name in raster.dataset.files]
    except UnicodeDecodeError:  # the name of one is not UTF-8, as that of an output is
        return []


def _tags(model: Model, raster: Raster) -> dict[str, str]:
    tags = {"MODEL": str(model.architecture), "BANDS": ",".join(map(str, raster.bands))}
    if raster.limits is None:
        return tags
    stretch = ",".join(f"{percentile:g}" for percentile in raster.stretch)
    return tags | {"STRETCH": stretch, "STRETCH_LIMITS": limits_text(raster.limits)}


def _with_progress(bands: Iterable[np.ndarray], raster: Raster, name: str, quiet: bool) -> Iterator[np.ndarray]:
    total = raster.height * raster.width / 1e6
    with progress_bar(name, total, "megapixels", decimals=1, quiet=quiet) as bar:
        for band in bands:
            bar.update(band.size / 1e6)
            yield band
