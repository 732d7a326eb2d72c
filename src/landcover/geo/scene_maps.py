"""Maps of whole scenes. Needs rasterio."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path

from landcover.geo.maps import predict_map
from landcover.images.pairs import confidence_path
from landcover.inference.options import DEFAULTS, InferenceOptions
from landcover.models.model_file import Model
from landcover.rasters.scenes import Scene, find_scenes
from landcover.system.errors import LandcoverError, Problems
from landcover.system.locations import resolved


def scenes_to_map(
    root: Path, own: str | Sequence[str] | None, inputs: str | Sequence[str] | None, images: Collection[str] = ()
) -> list[Scene]:
    """Find the scenes of which maps are drawn, sorted by name.

    Args:
        root: Folder of the data set.
        own: The scenes of the data set, see `scenes.find_scenes`; None if it has none.
        inputs: Those to map, likewise; None for the data set's own.
        images: Names of the images of which masks are drawn beside the maps.

    Raises:
        LandcoverError: See `scenes.find_scenes`; or a scene has the name of an image, or of another scene of the data
            set, by whose labels its map would be scored.
    """
    known = {} if own is None else {scene.name: scene for scene in find_scenes(root, own)}
    if inputs is None:
        return list(known.values())
    try:
        scenes = find_scenes(root, inputs)
    except LandcoverError as error:
        raise LandcoverError(*(line.replace("`scenes`", "`inputs`") for line in error.lines)) from error
    for scene in scenes:
        other = known.get(scene.name, scene)
        is_other = {*map(resolved, scene.files)} != {*map(resolved, other.files)}
        if is_other or scene.name in images:
            owner = other.path if is_other else "an image that validates"
            raise LandcoverError(f"{scene.path}: {owner} has the same name. Rename it, or remove it from `inputs`.")
    return scenes


def predict_scenes(
    model: Model,
    scenes: Iterable[Scene],
    folder: Path,
    options: InferenceOptions = DEFAULTS,
    *,
    bands: Sequence[int | str] | None = None,
    confidence: bool = False,
) -> None:
    """Write the map of each scene, `folder/NAME_mask.tif`, a Cloud Optimized GeoTIFF.

    Args:
        model: Gives the maps their classes and colours.
        scenes: Of `scenes.find_scenes`.
        folder: It exists.
        options: Windows and views.
        bands: See `raster.open_raster`.
        confidence: Also write `folder/NAME_confidence.tif`, see `maps.predict_map`.

    Raises:
        LandcoverError: Scenes cannot be mapped: a line for each.
    """
    draw_scenes(partial(predict_map, model), scenes, folder, options, bands=bands, confidence=confidence)


def draw_scenes(
    draw: Callable[..., object],
    scenes: Iterable[Scene],
    folder: Path,
    options: InferenceOptions,
    *,
    bands: Sequence[int | str] | None,
    confidence: bool,
) -> None:
    """Let the map of each scene be drawn under its name by `draw`, `maps.predict_map` or its like, without a model."""
    problems = Problems()
    noted = {"bands"}  # were found in the same way when the model was made
    for scene in scenes:
        with problems.collecting():
            path = folder / f"{scene.name}_mask.tif"
            sure = confidence_path(path) if confidence else None
            draw(scene, path, options, cog=True, bands=bands, noted=noted, confidence=sure)
    problems.raise_any()
