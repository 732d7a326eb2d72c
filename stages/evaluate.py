"""Score the predicted masks and draw what they look like.

in:   data.root, data/predictions/NAME_mask.png
out:  metrics/evaluate.json, plots/iou.csv, plots/confusion.csv, plots/samples.png, plots/world.png
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import Field

from landcover.errors import LandcoverError
from landcover.files import replacing, write_metrics
from landcover.pictures import Comparison, draw_samples, draw_world
from landcover.samples import Sample, find_masks, find_samples
from landcover.scoring import Scores, score_masks
from stages.params import Block, Data, read_block
from stages.runner import run

PREDICTIONS = Path("data/predictions")
METRICS = Path("metrics/evaluate.json")
PLOTS = Path("plots")


class Evaluate(Block):
    """The block `evaluate` of params.yaml."""

    samples: Annotated[int, Field(ge=1, le=50)] | list[str]


def main() -> None:
    """Score, draw, write the figures last: where they stand, all else does."""
    data, params = read_block("data", Data), read_block("evaluate", Evaluate)
    classes = data.table()
    samples = {split: find_samples(data.folder(split)) for split in ("train", "validation")}
    predictions = find_masks(PREDICTIONS)
    scores = score_masks(data.folder("validation"), PREDICTIONS, classes)
    figures = scores.figures()
    write_table(PLOTS / "iou.csv", pd.DataFrame(figures["iou"].items(), columns=["class", "iou"]).round(4))
    names = [*classes.names, classes.ignore_name]
    pairs = pd.MultiIndex.from_product([names, names], names=["actual", "predicted"]).to_frame(index=False)
    write_table(PLOTS / "confusion.csv", pairs.assign(pixels=scores.confusion.ravel()))
    shown = choose(samples["validation"], scores, params.samples)
    titles = {sample.name: f"{sample.name}\n{rank(scores, sample.name)}" for sample in shown}
    draw_samples([Comparison(titles[s.name], s, predictions[s.name]) for s in shown], classes, PLOTS / "samples.png")
    draw_world(samples["train"] + samples["validation"], predictions, classes, PLOTS / "world.png")
    write_metrics(METRICS, figures)
    print(f"{METRICS}: mean IoU {figures['mean_iou']:.4f}, pixel accuracy {figures['pixel_accuracy']:.4f}")


def choose(samples: list[Sample], scores: Scores, wanted: int | list[str]) -> list[Sample]:
    """The samples with the wanted names, or so many evenly over the ranks of IoU, best and worst included."""
    by_name = {sample.name: sample for sample in samples}
    names = scores.spread(wanted) if isinstance(wanted, int) else wanted
    for name in names:
        if name not in by_name:
            raise LandcoverError(f"evaluate.samples: no validation picture is called {name!r}.")
    return [by_name[name] for name in names]


def rank(scores: Scores, name: str) -> str:
    """Mean IoU of a picture and its place among all."""
    iou, ranked = scores.picture_iou(name), scores.ranked()
    figure = "no IoU" if iou is None else f"mean IoU {iou:.3f}"
    return f"{figure} ({ranked.index(name) + 1} of {len(ranked)})"


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table of plots/."""
    with replacing(path) as scratch:
        table.to_csv(scratch, index=False)


if __name__ == "__main__":
    run(main)
