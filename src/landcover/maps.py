"""Maps of georeferenced pictures of any size. Needs rasterio (the extra geo)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from landcover.errors import memory_errors_name
from landcover.geotiff import probability_map, write_map
from landcover.inference import label_bands
from landcover.model_file import Model
from landcover.outputs import check_outputs
from landcover.progress_bar import progress_bar
from landcover.raster import Raster, open_raster
from landcover.readable import check_utf8_name
from landcover.silence import libraries_silenced


def predict_map(
    model: Model,
    image: Path,
    path: Path,
    *,
    cog: bool = False,
    bands: Sequence[int] | None = None,
    stretch: tuple[float, float] | None = None,
    probabilities: Path | None = None,
    quiet: bool = False,
    **options: Any,
) -> None:
    """Write the land cover of a picture as a GeoTIFF, row band after row band.

    Args:
        model: Whose classes and colours the map has.
        image: Anything that rasterio reads.
        path: Of the map, see `geotiff.write_map`. It says in its tags which model it is of, which bands were taken for
            red, green and blue, and how they were stretched.
        cog: Lay it out as a Cloud Optimized GeoTIFF.
        bands, stretch: See `raster.open_raster`.
        probabilities: Of a further GeoTIFF, with those of the classes.
        quiet: Without a progress bar, which there is on terminals only in any case.
        options: Those of `inference.label_bands`.

    Raises:
        LandcoverError: The picture cannot be read, or has no such bands; a name is not UTF-8; an output would replace
            the model or a file of which the picture is made. Files that stood at the paths are as before.
    """
    for name in (image, path, probabilities or path):
        check_utf8_name(name, "rasters")
    with ExitStack() as stack:
        stack.enter_context(memory_errors_name(image))
        stack.enter_context(libraries_silenced())
        raster = stack.enter_context(open_raster(image, bands, stretch))
        inputs = [image, *_parts(raster), *([model.path] if model.path else [])]
        check_outputs(inputs, files=[path, *([probabilities] if probabilities else [])])
        if probabilities:
            options["probabilities"] = stack.enter_context(probability_map(probabilities, raster, model.classes))
        labels = _with_progress(label_bands(model, raster, **options), raster, image.name, quiet)
        write_map(path, labels, raster, model.classes, cog=cog, tags=_tags(model, raster))


def _parts(raster: Raster) -> list[Path]:
    """The files of which a picture is made, such as those of a mosaic."""
    try:
        return [Path(name) for name in raster.dataset.files]
    except UnicodeDecodeError:  # the name of one is not UTF-8, as that of an output is
        return []


def _tags(model: Model, raster: Raster) -> dict[str, str]:
    tags = {"MODEL": str(model.architecture), "BANDS": ",".join(map(str, raster.bands))}
    if raster.limits is None:
        return tags
    limits = ", ".join(f"{low:g} to {high:g}" for low, high in raster.limits)
    return tags | {"STRETCH": f"{raster.stretch[0]:g},{raster.stretch[1]:g}", "STRETCH_LIMITS": limits}


def _with_progress(bands: Iterable[np.ndarray], raster: Raster, name: str, quiet: bool) -> Iterator[np.ndarray]:
    total = raster.height * raster.width / 1e6
    with progress_bar(name, total, "megapixels", decimals=1, quiet=quiet) as bar:
        for band in bands:
            bar.update(band.size / 1e6)
            yield band
