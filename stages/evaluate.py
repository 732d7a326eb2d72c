"""Score the predicted masks and maps, and draw some of them beside the truth.

in:   data.root, data/predictions/NAME_mask.png, for scenes NAME_mask.tif
out:  metrics/evaluate.json, plots/iou.csv, plots/confusion.csv, plots/samples.png
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from landcover.images.pairs import Sample, find_masks
from landcover.report.examples import titled
from landcover.report.figures import Comparison, draw_samples
from landcover.scoring.bootstrap import LEAST_IMAGES, mean_iou_interval
from landcover.scoring.scores import Scores, score_masks
from landcover.system.errors import LandcoverError, Problems, warn
from landcover.system.files import write_metrics, write_table
from landcover.system.mapping import Mapper, map_in_threads
from landcover.system.outputs import check_outputs
from landcover.system.settings import Seed, Settings
from stages.common.data_block import Data
from stages.common.params import ADVICE, read_block
from stages.common.paths import METRICS, PLOTS, PREDICTIONS
from stages.common.runner import run
from stages.common.scale_block import Scale

if TYPE_CHECKING:
    from landcover.report.scene_scores import MappedScenes
    from landcover.scoring.ground_counts import GroundCounts

SCORES = METRICS / "evaluate.json"
IOU, CONFUSION, SAMPLES = (PLOTS / name for name in ("iou.csv", "confusion.csv", "samples.png"))


class Evaluate(Settings):
    """The block `evaluate` of params.yaml."""

    samples: Annotated[int, Field(ge=1, le=50)] | Annotated[list[str], Field(min_length=1, max_length=50)] = Field(
        5,
        description="images in plots/samples.png, or windows of scenes (SCENE at ROW,COLUMN), chosen by their masks or "
        "labels to show all classes, the same in each experiment; or a list of names",
    )
    resamples: Annotated[int, Field(ge=100, le=10**7)] = Field(
        2000,
        description="bootstrap resamples of the images, blocks or scenes for the 95 % interval of the mean IoU",
    )
    seed: Seed = Field(0, description="seed of the resamples")


def main() -> None:
    """Score, draw, and write the scores last: where they are, everything else is complete."""
    data, params, scale = read_block("data", Data), read_block("evaluate", Evaluate), read_block("scale", Scale)
    inputs = [PREDICTIONS, data.folder("train"), data.folder("validation")]
    check_outputs(inputs, files=[SCORES, IOU, CONFUSION, SAMPLES], advice=ADVICE)
    further: dict[str, Any] = {}
    with scale.mapper() as mapper:
        if data.layout == "scenes":
            counts = evaluate_scenes(data, params.samples, mapper)
            scores, confusion, further["hectares"] = counts.scores(), counts.confusion_table(), counts.hectares()
        else:
            scores = evaluate_images(data, params.samples, mapper)
            confusion = scores.confusion_table()
    write_table(IOU, scores.iou_table())
    write_table(CONFUSION, confusion)
    figures = scores.figures()
    low, high = mean_iou_interval(scores.per_image, params.resamples, params.seed)
    bounds = {"mean_iou": figures["mean_iou"], "mean_iou_low": low, "mean_iou_high": high}
    figures = write_metrics(SCORES, bounds | figures | further)
    print(f"{SCORES}: mean IoU {figures['mean_iou']}, pixel accuracy {figures['pixel_accuracy']}")


def evaluate_images(data: Data, chosen: int | list[str], mapper: Mapper | None = None) -> Scores:
    """Score the masks of the validation images, and draw the chosen ones."""
    samples = validation_samples(data)
    if isinstance(chosen, list) and (missing := [name for name in chosen if name not in samples]):
        where = data.folder("validation")
        raise LandcoverError(f"params.yaml: evaluate.samples: no image in {where} is called {missing[0]!r}.")
    scores, predictions = score_images(data, samples, mapper), find_masks(PREDICTIONS)
    titles = titled(chosen, scores)
    rows = [Comparison(title, samples[name], predictions[name]) for title, name in titles.items()]
    draw_samples(rows, data.table(), SAMPLES, data.bands, data.codes())
    return scores


def validation_samples(data: Data) -> dict[str, Sample]:
    """The pairs that validate, by name.

    Raises:
        LandcoverError: A line for each file that is unpaired or has the name of another.
    """
    problems = Problems()
    samples = data.samples("validation", problems)
    problems.raise_any()
    return samples


def score_images(data: Data, samples: Mapping[str, Sample], mapper: Mapper | None = None) -> Scores:
    """Score the masks that were predicted for pairs.

    Args:
        data: The block.
        samples: The pairs by name.
        mapper: Counts the pixels; None for all cores of this process.

    Raises:
        LandcoverError: See `score_masks`; or the masks have colours of no class.
    """
    scores = score_masks(
        {name: sample.mask for name, sample in samples.items()},
        PREDICTIONS,
        data.table(),
        true_codes=data.codes(),
        unscored=[name for name, path in find_masks(PREDICTIONS).items() if path.suffix == ".tif"],  # predict.inputs
        images={name: sample.image for name, sample in samples.items()},
        bands=data.bands,
        mapper=mapper or map_in_threads,
    )
    # The truth's colours have passed prepare.max_off_palette; predictions have the model's classes and no others.
    scores.predicted_off_palette.check(PREDICTIONS, 0, "They are of other data.classes: python -m stages.predict")
    return scores


def evaluate_scenes(data: Data, chosen: int | list[str], mapper: Mapper | None = None) -> "GroundCounts":
    """Score the maps of the scenes where labels validate, and draw chosen windows."""
    maps = mapped_scenes(data)
    scores = maps.score(mapper=mapper)
    maps.draw(scores, chosen, SAMPLES)
    counts = scores.counts
    units = f"{len(counts.units)} {data.split}{'s' * (len(counts.units) > 1)}"
    if len(counts.units) < LEAST_IMAGES:
        warn(f"{SCORES}: {units}: too few for the interval of the mean IoU to be trusted. Label in more {data.split}s")
    print(f"{PREDICTIONS}: scored on {counts.extent}, in {units}")
    return counts


def mapped_scenes(data: Data) -> "MappedScenes":
    """The scenes with their labels and maps."""
    from landcover.report.scene_scores import MappedScenes  # rasterio
    from stages.common.scene_set import labels_of, scenes_of, split_of

    scenes = scenes_of(data)
    split = split_of(data, scenes)
    return MappedScenes(scenes, find_masks(PREDICTIONS), labels_of(data), split, data.table(), data.bands)


if __name__ == "__main__":
    run(main, scale=Scale, data=Data, evaluate=Evaluate)
