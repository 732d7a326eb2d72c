"""Score the predicted masks, and draw some of them beside the truth.

in:   data.root, data/predictions/NAME_mask.png
out:  metrics/evaluate.json, plots/iou.csv, plots/confusion.csv, plots/samples.png
"""

from typing import Annotated

from pydantic import Field

from landcover.images.pairs import find_masks, find_samples
from landcover.report.examples import captions, examples
from landcover.report.figures import Comparison, draw_samples
from landcover.scoring.bootstrap import mean_iou_interval
from landcover.scoring.scores import score_masks
from landcover.system.errors import LandcoverError, printable
from landcover.system.files import write_metrics, write_table
from landcover.system.outputs import check_outputs
from landcover.system.settings import Seed, Settings
from stages.common.params import ADVICE, Data, read_block
from stages.common.paths import METRICS, PLOTS, PREDICTIONS
from stages.common.runner import run

SCORES = METRICS / "evaluate.json"
IOU, CONFUSION, SAMPLES = (PLOTS / name for name in ("iou.csv", "confusion.csv", "samples.png"))


class Evaluate(Settings):
    """The block `evaluate` of params.yaml."""

    samples: Annotated[int, Field(ge=1, le=50)] | Annotated[list[str], Field(min_length=1, max_length=50)] = Field(
        5,
        description="images in plots/samples.png, chosen by their masks to show all classes, the same in each "
        "experiment; or a list of names",
    )
    resamples: Annotated[int, Field(ge=100, le=10**7)] = Field(
        2000, description="bootstrap resamples of the images for the 95 % interval of the mean IoU"
    )
    seed: Seed = Field(0, description="seed of the resamples")


def main() -> None:
    """Score, draw, and write the scores last: where they are, everything else is complete."""
    data, params = read_block("data", Data), read_block("evaluate", Evaluate)
    classes, truth = data.table(), data.folder("validation")
    inputs = [PREDICTIONS, data.folder("train"), truth]
    check_outputs(inputs, files=[SCORES, IOU, CONFUSION, SAMPLES], advice=ADVICE)
    samples = data.part("validation", {sample.name: sample for sample in find_samples(truth)})
    if isinstance(params.samples, list) and (missing := [name for name in params.samples if name not in samples]):
        raise LandcoverError(f"params.yaml: evaluate.samples: no image in {truth} is called {missing[0]!r}.")
    predictions = find_masks(PREDICTIONS)
    scores = score_masks(truth, PREDICTIONS, classes, only=samples)
    # The truth's colours have passed prepare.max_off_palette; predictions have the model's classes and no others.
    scores.predicted_off_palette.check(PREDICTIONS, 0, "They are of other data.classes: python -m stages.predict")
    write_table(IOU, scores.iou_table())
    write_table(CONFUSION, scores.confusion_table())
    names = params.samples if isinstance(params.samples, list) else examples(scores.truth_pixels(), params.samples)
    caption = captions(scores)
    titles = [f"{printable(name)}\n{caption[name]}" for name in names]
    rows = [Comparison(title, samples[name], predictions[name]) for name, title in zip(names, titles, strict=True)]
    draw_samples(rows, classes, SAMPLES, data.bands)
    figures = scores.figures()
    low, high = mean_iou_interval(scores.per_image, params.resamples, params.seed)
    bounds = {"mean_iou": figures["mean_iou"], "mean_iou_low": low, "mean_iou_high": high}
    figures = write_metrics(SCORES, bounds | figures)
    print(f"{SCORES}: mean IoU {figures['mean_iou']}, pixel accuracy {figures['pixel_accuracy']}")


if __name__ == "__main__":
    run(main, data=Data, evaluate=Evaluate)
