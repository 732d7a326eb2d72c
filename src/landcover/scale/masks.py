"""Colour masks of many image files by many workers: the same files as those of `inference.mask_files`."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from landcover.inference.mask_files import checked_outputs, predict_masks
from landcover.inference.options import DEFAULTS, InferenceOptions
from landcover.models.model_file import Model
from landcover.rasters.stretching import Percentiles
from landcover.scale.cluster import Cluster
from landcover.scale.shared_model import share_engine, share_model, shared_model
from landcover.system.errors import LandcoverError, Problems, collecting_messages, tell
from landcover.system.progress_bar import progress_bar


@dataclass(frozen=True)
class _MaskTask:
    """An image, and how its mask is drawn: arguments of `predict_masks`."""

    model: str
    name: str
    image: Path
    folder: Path
    options: InferenceOptions
    further: dict[str, Any]

    def __str__(self) -> str:
        return str(self.image)


@dataclass(frozen=True)
class _MaskResult:
    """What became of an image: a line if it cannot be read; and notes and warnings about it."""

    skipped: list[str]
    messages: list[str]


def predict_masks_on(
    cluster: Cluster,
    model: Model,
    images: Mapping[str, Path | str],
    folder: Path | str,
    options: InferenceOptions = DEFAULTS,
    *,
    keep_going: bool = False,
    quiet: bool = False,
    probabilities: bool = False,
    confidence: bool = False,
    ending: str = "_mask.png",
    bands: Sequence[int | str] | None = None,
    stretch: Percentiles | None = None,
) -> list[str]:
    """Write the colour mask of each image as `mask_files.predict_masks` does, image by image on workers.

    Args:
        cluster: Whose workers see the images and the folder under the same paths.
        model: It was read from a file.
        images, folder, options: See `mask_files.predict_masks`.
        keep_going, quiet, probabilities, confidence, ending, bands, stretch: See `mask_files.predict_masks`.

    Returns:
        A line for each image that was skipped.

    Raises:
        LandcoverError: See `mask_files.predict_masks`. All other masks have been drawn.
    """
    paths, folder = {name: Path(path).absolute() for name, path in images.items()}, Path(folder).absolute()
    layers: dict[str, Any] = {"probabilities": probabilities, "confidence": confidence, "ending": ending}
    checked_outputs(model, paths, folder, **layers)
    key, problems = share_model(cluster, model), Problems()
    options = replace(options, engine=share_engine(cluster, key, model, options.engine)[0])
    further = {**layers, "bands": bands, "stretch": stretch}
    tasks = (_MaskTask(key, name, path, folder, options, further) for name, path in paths.items())
    with closing(cluster.map(_draw, tasks, str)) as results:
        for _, result in progress_bar("predict", len(paths), "images", results, quiet=quiet):
            if isinstance(result, LandcoverError):
                problems.lines += result.lines
                continue
            problems.lines += result.skipped
            for line in result.messages:
                tell(line)
    problems.lines.sort()  # whichever worker was first
    if not keep_going:
        problems.raise_any()
    return problems.lines


def _draw(task: _MaskTask) -> _MaskResult:
    """Draw a mask in a worker."""
    model = shared_model(task.model)
    with collecting_messages() as messages:
        skipped = predict_masks(
            model, {task.name: task.image}, task.folder, task.options, keep_going=True, quiet=True, **task.further
        )
    return _MaskResult(skipped, messages)
