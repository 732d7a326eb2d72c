"""Train a network.

in:   data/prepared, data/weights, and the initial weights if train.weights names a file
out:  models/model.safetensors, metrics/train.json, plots/training.csv (a row per epoch, while it trains)

Killed at any moment and started again, it resumes from its checkpoint and ends in the same bytes.
"""

import csv
import io
from collections import deque
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import torch

from landcover.data.tiles import Dataset, Tiles, read_dataset
from landcover.models.model_file import Model, save_model
from landcover.models.networks import build
from landcover.models.provenance import Origin
from landcover.models.weights.packages import weights_file
from landcover.models.weights.pretrained import Loaded, load_weights
from landcover.system.devices import check_precision, choose_device, make_repeatable
from landcover.system.errors import warn
from landcover.system.files import naming_write_errors, rounded, write_metrics
from landcover.system.outputs import check_outputs
from landcover.system.processes import process_group
from landcover.system.scratch import exclusive
from landcover.training.checkpoints import Checkpoint, fingerprint
from landcover.training.recipe import Recipe
from landcover.training.trainer import Row, Trained, Trainer
from stages.common.params import read_block
from stages.common.paths import MODEL, PREPARED, WEIGHTS
from stages.common.runner import run

CHECKPOINT = Path("checkpoints/train.pt")
METRICS = Path("metrics/train.json")
CURVES = Path("plots/training.csv")
ADVICE = "Move the weights, and set train.weights in params.yaml."


def main() -> None:
    """Train epoch by epoch, validate after each, save the model of the last or the best."""
    recipe = read_block("train", Recipe)
    check_paths(recipe)
    make_repeatable()
    device = choose_device(recipe.device)
    check_precision(recipe.precision, device)
    dataset = read_dataset(PREPARED)
    splits = ("train", "validation")
    tiles, validation = (Tiles.open(PREPARED / split, dataset.classes, dataset.spec) for split in splits)
    torch.manual_seed(recipe.seed)
    network = build(recipe.architecture(), len(dataset.classes), dataset.spec)
    loaded = load_weights(network, recipe.weights, WEIGHTS)
    with process_group(device) as processes, exclusive(CURVES) if processes.is_main else nullcontext() as scratch:
        trainer = Trainer(network, tiles, dataset.classes, recipe, device, processes)
        if recipe.freeze_batch_norm and not loaded and processes.is_main:
            warn("train.freeze_batch_norm = true: random weights have no statistics to keep. Set it to false")
        if recipe.freeze_stride and not loaded and processes.is_main:
            warn(f"train.freeze_stride = {recipe.freeze_stride}: random weights would never be trained. Set it to 0")
        if loaded and processes.is_main:
            print(f"initial weights of {recipe.backbone}: {loaded}", flush=True)
        inputs = [path for path in [*PREPARED.rglob("*"), *weights_files(recipe)] if path.is_file()]
        checkpoint = Checkpoint(CHECKPOINT, fingerprint([recipe.model_dump(), processes.count, str(device)], inputs))
        rows = trainer.run(validation, checkpoint)
        if scratch is None:  # not the first process, which writes for all
            deque(rows, maxlen=0)
            return
        write_curves(rows, scratch / CURVES.name)
        trained = trainer.result()
        origin = origin_of(trained, recipe, loaded, dataset, tiles, validation)
        model = Model(trained.network, dataset.classes, dataset.scale, MODEL, origin)
        save_model(model, MODEL)
        parameters = sum(weights.numel() for weights in trained.network.parameters())
        figures = {name: value for name, value in trained.row.items() if name != "lr"}
        write_metrics(METRICS, figures | {"parameters": parameters})
        checkpoint.delete()
    print(f"{MODEL}: {model.architecture}, of epoch {trained.row['epoch']}")
    model.warn_if_collapsed()


def check_paths(recipe: Recipe) -> None:
    """Check that no output would replace an input, and that no stage before this one would replace the weights."""
    weights = [] if recipe.weights in ("none", "imagenet") else [Path(recipe.weights)]
    check_outputs([PREPARED, WEIGHTS, *weights], files=[MODEL, METRICS, CURVES, CHECKPOINT], advice=ADVICE)
    check_outputs(weights, folders=[PREPARED, WEIGHTS], advice=ADVICE)


def weights_files(recipe: Recipe) -> list[Path]:
    """The files, some of which may be missing, from which the network starts."""
    if recipe.weights == "imagenet":
        return [weights_file(WEIGHTS, recipe.backbone)]
    return [Path(recipe.weights)]


def origin_of(
    trained: Trained, recipe: Recipe, loaded: Loaded | None, dataset: Dataset, tiles: Tiles, validation: Tiles
) -> Origin:
    """What the file of the model records about its data, its recipe and its score."""
    score = ("epoch", "validation_loss", "tile_mean_iou", "tile_accuracy")
    return Origin(
        data={
            "root": dataset.root,
            **dataset.split,
            "train_images": dataset.images["train"],
            "train_tiles": len(tiles.table),
            "validation_images": dataset.images["validation"],
            "validation_tiles": len(validation.table),
        },
        resolution=dataset.resolution and dataset.resolution / dataset.scale,
        weights=loaded.source if loaded else None,
        params=recipe.shaping(),
        score={name: rounded(trained.row[name]) for name in score},
        dominant=trained.dominant,
    )


def write_curves(rows: Iterable[Row], scratch: Path) -> None:
    """Write `plots/training.csv` anew after each row."""
    table = io.StringIO(newline="")
    for row in rows:
        if not table.tell():
            csv.writer(table).writerow(row)
        csv.writer(table).writerow("" if value is None else f"{value:.6g}" for value in row.values())
        with naming_write_errors(CURVES):
            scratch.write_bytes(table.getvalue().encode())
            scratch.replace(CURVES)


if __name__ == "__main__":
    run(main, train=Recipe)
