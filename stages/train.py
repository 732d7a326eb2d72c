"""Train a network.

in:   data/prepared, and the weights to start from if train.weights names a file
out:  models/model.safetensors, metrics/train.json, plots/training.csv (a row an epoch, as it goes)

Killed at any moment and started again, it goes on from its checkpoint and ends in the same bytes.
"""

import csv
import io
from collections import deque
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import torch

from landcover.data.tiles import Tiles, read_dataset
from landcover.models.model_file import Model, save_model
from landcover.models.networks import build
from landcover.models.pretrained import load_weights
from landcover.models.provenance import Origin
from landcover.system.devices import check_precision, choose_device, make_repeatable
from landcover.system.files import naming_write_errors, rounded, write_metrics
from landcover.system.outputs import check_outputs
from landcover.system.processes import process_group
from landcover.system.scratch import exclusive
from landcover.training.augmentation import Augmentation
from landcover.training.batches import Batches
from landcover.training.checkpoints import Checkpoint, fingerprint
from landcover.training.losses import Criterion, class_weights
from landcover.training.trainer import Row, Trainer
from stages.common.params import read_block
from stages.common.runner import run
from stages.train_params import Train

PREPARED = Path("data/prepared")
CHECKPOINT = Path("checkpoints/train.pt")
MODEL = Path("models/model.safetensors")
METRICS = Path("metrics/train.json")
CURVES = Path("plots/training.csv")
ADVICE = "Move the weights, and set train.weights in params.yaml."


def main() -> None:
    """Train epoch by epoch, validate after each, keep the model."""
    params = read_block("train", Train)
    start = [Path(params.weights)] if params.weights not in ("none", "imagenet") else []
    check_outputs([PREPARED, *start], files=[MODEL, METRICS, CURVES, CHECKPOINT], advice=ADVICE)
    check_outputs(start, folders=[PREPARED], advice=ADVICE)  # which the stage before this one replaces
    make_repeatable()
    device = choose_device(params.device)
    check_precision(params.precision, device)
    dataset = read_dataset(PREPARED)
    classes = dataset.classes
    tiles, validation = (Tiles.open(PREPARED / split, classes) for split in ("train", "validation"))
    pixels = tiles.class_pixels(classes)
    torch.manual_seed(params.seed)
    network = build(params.architecture(), len(classes))
    load_weights(network, params.weights)
    weights = class_weights(pixels.sum(0), params.class_weights)
    criterion = Criterion(params.loss, weights, params.label_smoothing, params.focal_gamma)
    with process_group(device) as processes, exclusive(CURVES) if processes.is_main else nullcontext() as scratch:
        batches = Batches(
            tiles,
            pixels,
            size=params.crop,
            batch_size=params.batch_size,
            seed=params.seed,
            augmentation=Augmentation(params.symmetry, params.zoom, params.jitter),
            balance=params.balance,
            processes=processes,
        )
        trainer = Trainer(network, batches, criterion, params.recipe(), device, processes)
        inputs = [path for path in [*PREPARED.rglob("*"), Path(params.weights)] if path.is_file()]
        checkpoint = Checkpoint(CHECKPOINT, fingerprint([params.model_dump(), processes.count, str(device)], inputs))
        rows = trainer.run(validation, checkpoint)
        if not processes.is_main:  # it computes its part; the first process writes
            deque(rows, maxlen=0)
            return
        write_curves(rows, scratch / CURVES.name)
        row, network = trainer.model()
        origin = Origin(
            data={
                "root": dataset.root,
                "holdout": dataset.holdout,
                "train_images": dataset.images["train"],
                "train_tiles": len(tiles.table),
                "validation_images": dataset.images["validation"],
                "validation_tiles": len(validation.table),
            },
            resolution=dataset.resolution and dataset.resolution / dataset.scale,
            params=params.shaping(),
            score=rounded({name: row[name] for name in ("epoch", "validation_loss", "tile_mean_iou", "tile_accuracy")}),
            favourite=trainer.favourite(row),
        )
        model = Model(network, network.architecture, classes, dataset.scale, MODEL, origin)
        save_model(model, MODEL)
        parameters = sum(weights.numel() for weights in network.parameters())
        write_metrics(METRICS, {name: row[name] for name in row if name != "lr"} | {"parameters": parameters})
        checkpoint.delete()
    print(f"{MODEL}: {network.architecture}, of epoch {row['epoch']}")
    model.warn_if_collapsed()


def write_curves(rows: Iterable[Row], scratch: Path) -> None:
    """Replace `plots/training.csv` by one with a row more, each time that one comes."""
    table = io.StringIO(newline="")
    for row in rows:
        if not table.tell():
            csv.writer(table).writerow(row)
        csv.writer(table).writerow("" if value is None else f"{value:.6g}" for value in row.values())
        with naming_write_errors(CURVES):
            scratch.write_bytes(table.getvalue().encode())
            scratch.replace(CURVES)


if __name__ == "__main__":
    run(main, "train")
