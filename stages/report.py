"""Put images, truth, predictions and scores into one page, which opens from disk in any browser, without a network.

in:   data.root, data/predictions, models/model.safetensors, metrics/evaluate.json, plots/data.csv, plots/training.csv
out:  report/index.html
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from landcover.data.bluemarble import TILE_DEGREES, tile_corner
from landcover.images.pairs import confidence_path, find_masks
from landcover.models.model_file import load_model
from landcover.rasters.images import read_valid_mask
from landcover.report.content import Entry, Labelled, Report
from landcover.report.page_files import PageFiles
from landcover.report.report_page import DEFAULT_MEGABYTES, MEGABYTE, write_report
from landcover.report.score_blocks import scores_block
from landcover.scoring.calibration import Calibration
from landcover.scoring.scores import Scores
from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError
from landcover.system.files import rounded
from landcover.system.outputs import check_outputs
from landcover.system.parallel import parallel_map
from landcover.system.settings import Number, Settings
from landcover.training.recipe import Recipe
from stages.about import Part, about, part, read_output, read_table
from stages.common.data_block import Data
from stages.common.params import ADVICE, read_block
from stages.common.paths import BLUEMARBLE, METRICS, MODEL, PLOTS, PREDICTIONS, REPORT
from stages.common.runner import run
from stages.evaluate import Evaluate, mapped_scenes, score_images, validation_samples
from stages.predict import Predict
from stages.prepare import Prepare

SCORES, CURVES, SHARES = METRICS / "evaluate.json", PLOTS / "training.csv", PLOTS / "data.csv"


class Page(Settings):
    """The block `report` of params.yaml."""

    megabytes: Annotated[Number, Field(gt=0, le=2000)] = Field(
        float(DEFAULT_MEGABYTES),
        description="most that report/index.html may take, in millions of bytes; if not all images fit, it shows the "
        "worst, the median, the best and a random sample",
    )


@dataclass(frozen=True)
class Shown:
    """What the page shows of a data set.

    Attributes:
        scores: Of all images, blocks or scenes.
        entries, load: See `write_report`.
        calibration: None without the confidence of all.
        items, unit: What `entries`, and what `scores` counts, are called: plurals.
        ground: Of scenes, a part with hectares.
    """

    scores: Scores
    entries: Sequence[Entry]
    load: Callable[[str], Labelled]
    calibration: Mapping[str, Any] | None
    items: str
    unit: str
    ground: Sequence[Part] = ()


def main() -> None:
    """Read what the stages before have made, and write the page."""
    data, page = read_block("data", Data), read_block("report", Page)
    others = {
        "prepare": read_block("prepare", Prepare),
        "train": read_block("train", Recipe),
        "predict": read_block("predict", Predict),
        "evaluate": read_block("evaluate", Evaluate),
    }
    inputs = [PREDICTIONS, MODEL, SCORES, CURVES, SHARES, data.folder("train"), data.folder("validation")]
    check_outputs(inputs, files=[REPORT], advice=ADVICE)
    model = load_model(MODEL)
    found = shown_scenes(data) if data.layout == "scenes" else shown_images(data)
    report = Report(
        f"{model.origin.data['root'] if model.origin.data else Path(data.root).name}: {model.architecture}",
        data.table(),
        items=found.items,
        scores=scores_block(found.scores, evaluated_interval(found.scores), found.unit),
        calibration=found.calibration,
        training=training_curves(),
        about=[*about(model, SHARES, {"data": data, **others, "report": page}), *found.ground],
    )
    made = write_report(REPORT, report, found.entries, found.load, int(page.megabytes * MEGABYTE))
    print(f"{REPORT}: {made.text or f'all {made.total} {found.items} are shown.'}")


def shown_images(data: Data) -> Shown:
    """The validation images with their masks, truth and confidence."""
    samples = validation_samples(data)
    scores = score_images(data, samples)
    predictions = find_masks(PREDICTIONS)
    confidences = {name: path for name in samples if (path := confidence_path(predictions[name])).exists()}
    files = PageFiles(
        data.table(),
        {name: predictions[name] for name in samples},
        {name: sample.image for name, sample in samples.items()},
        {name: sample.mask for name, sample in samples.items()},
        confidences=confidences,
        bands=data.bands,
        true_codes=data.codes(),
        valid_mask=lambda name: read_valid_mask(samples[name].image, data.bands),
    )
    calibration = None
    if len(confidences) == len(samples):
        calibration = sum(parallel_map(files.calibrate, samples), Calibration()).figures()
    is_embedded = Path(data.root) == BLUEMARBLE
    load = partial(load_placed, files) if is_embedded else files.load
    entries = [Entry(name, confusion) for name, confusion in sorted(scores.per_image.items())]
    return Shown(scores, entries, load, calibration, "images", "images")


def load_placed(files: PageFiles, name: str) -> Labelled:
    """Read a tile of the embedded data set, whose name says where it lies."""
    labelled, corner = files.load(name), tile_corner(name)
    if corner is None:
        return labelled
    from rasterio.crs import CRS  # as do the next two, it takes a while to import
    from rasterio.transform import from_bounds

    from landcover.rasters.control_points import control_points
    from landcover.rasters.grid import Grid

    south, west = corner
    height, width = labelled.size or labelled.prediction.shape
    transform = from_bounds(west, south, west + TILE_DEGREES, south + TILE_DEGREES, width, height)
    return replace(labelled, degrees=control_points(Grid(CRS.from_epsg(4326), transform, height, width)))


def shown_scenes(data: Data) -> Shown:
    """The scenes with their maps, as wholes and in windows where labels validate."""
    from landcover.report.scene_items import SceneItems  # rasterio

    maps = mapped_scenes(data)
    confidences = {name: path for name, mask in maps.maps.items() if (path := confidence_path(mask)).exists()}
    items = SceneItems(replace(maps, confidences=confidences))
    counts = items.scores.counts
    rows = [
        (name, ", ".join(f"{what} {'not known' if size is None else f'{size:,.1f}'}" for what, size in sizes.items()))
        for name, sizes in counts.hectares().items()
    ]
    ground = part("Hectares where labels validate", rows)
    calibration = items.scores.calibration.figures()
    return Shown(counts.scores(), items.entries(), items.load, calibration, "windows", f"{data.split}s", [ground])


def evaluated_interval(scores: Scores) -> tuple[float | None, float | None]:
    """The interval of the mean IoU as `evaluate` wrote it.

    Raises:
        LandcoverError: It cannot be read, or belongs to other scores.
    """
    text = read_output(SCORES, "evaluate")
    try:
        written = load_json(text)
        low, high = written["mean_iou_low"], written["mean_iou_high"]
        is_same = all(written[key] == rounded(value) for key, value in scores.figures().items())
    except (ValueError, LookupError, TypeError) as error:
        raise LandcoverError(f"{SCORES}: not written by the stage evaluate. Run python -m stages.evaluate.") from error
    if not is_same:
        raise LandcoverError(f"{SCORES}: not the scores of {PREDICTIONS}. Run python -m stages.evaluate.")
    return low, high


def training_curves() -> dict[str, Any]:
    """The table that `train` writes, as numbers.

    Raises:
        LandcoverError: It cannot be read.
    """
    table = read_table(CURVES, "train")
    try:
        rows = [[_number(value) for value in row.values()] for row in table]
    except (ValueError, TypeError) as error:
        raise LandcoverError(f"{CURVES}: not the curves of a training. Run python -m stages.train.") from error
    return {"columns": list(table[0]) if table else [], "rows": rows}


def _number(text: str) -> float | None:
    """A number as JSON can hold it."""
    number = float(text or "nan")
    return number if math.isfinite(number) else None


if __name__ == "__main__":
    run(main, data=Data, prepare=Prepare, train=Recipe, predict=Predict, evaluate=Evaluate, report=Page)
