"""Several models as one, whose class probabilities are the mean of theirs."""

from collections.abc import Sequence
from pathlib import Path

from landcover.models.model_file import Model, load_model
from landcover.models.networks import MOST_MEMBERS, ensemble
from landcover.models.provenance import Origin
from landcover.system.errors import LandcoverError


def load_models(paths: Sequence[Path]) -> Model:
    """Read a model; or several as one, see `combined`.

    Raises:
        LandcoverError: See `load_model` and `combined`.
    """
    return load_model(paths[0]) if len(paths) == 1 else combined([load_model(path) for path in paths])


def combined(models: Sequence[Model]) -> Model:
    """One model of several: at each pixel, its class probabilities are the mean of theirs (an ensemble).

    Graphs of 8-bit integers that the models have are left out.

    Args:
        models: For classes of the same names, the same bands, pixel type and working resolution; in evaluation mode,
            on the CPU. The new one shares their weights.

    Returns:
        The model. The colours of the classes and the percentiles 2 and 98 of the images are those of the first.

    Raises:
        LandcoverError: They do not fit together, one is an ensemble itself, or there are fewer than 2 or more than
            `MOST_MEMBERS`.
    """
    if not 2 <= len(models) <= MOST_MEMBERS:
        count = f"{len(models)} model{'s' * (len(models) != 1)}"
        raise LandcoverError(f"{count}: from 2 to {MOST_MEMBERS} can be combined.")
    first = models[0]
    for model in models:
        if model.architecture.members:
            raise LandcoverError(f"{model.path}: is an ensemble itself. Name the models that it was combined from.")
        if difference := _difference(first, model):
            raise LandcoverError(f"{model.path}: cannot be combined with {first.path}, {difference}.")
    return Model(
        ensemble([model.network for model in models]).eval(),
        first.classes,
        first.scale,
        origin=Origin.of_ensemble([model.origin for model in models]),
        parts=tuple(path for model in models for path in model.files),
    )


def _difference(model: Model, other: Model) -> str:
    """What keeps a model from being combined with another; empty if nothing does."""
    if other.classes.names != model.classes.names:
        return f"whose classes are, in this order, {', '.join(model.classes.names)}"
    if other.images.bands != model.images.bands:
        return f"which takes other bands: {', '.join(model.images.bands)}"
    if other.images.dtype != model.images.dtype:
        return f"which takes {model.images.dtype} pixels, not {other.images.dtype}"
    if other.scale != model.scale:
        return f"which works at scale {model.scale:g}, not {other.scale:g}"
    return ""
