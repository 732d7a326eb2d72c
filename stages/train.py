"""Train a network.

in:   data/prepared
out:  models/model.safetensors, metrics/train.json, plots/training.csv (a row an epoch, as it goes)
"""

import copy
import csv
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field

from landcover.backbones import BACKBONES
from landcover.crops import RandomCrops
from landcover.devices import DEVICES, choose_device, make_repeatable
from landcover.files import write_metrics
from landcover.losses import class_weights
from landcover.model_file import Model, save_model
from landcover.models import MODELS, build
from landcover.tiles import Tiles, read_dataset
from landcover.training import Trainer
from stages.params import Block, Number, one_of, read_block
from stages.runner import run

PREPARED = Path("data/prepared")
MODEL = Path("models/model.safetensors")
METRICS = Path("metrics/train.json")
CURVES = Path("plots/training.csv")

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[Number, Field(ge=0, lt=1)]


class Train(Block):
    """The block `train` of params.yaml."""

    model: Annotated[str, one_of(MODELS)]
    backbone: Annotated[str, one_of(BACKBONES)]
    epochs: Positive
    steps: Positive
    batch_size: Positive
    crop: Positive
    lr: Annotated[Number, Field(gt=0)]
    weight_decay: Annotated[Number, Field(ge=0)]
    warmup: Annotated[int, Field(ge=0)]
    balance: Annotated[Number, Field(ge=0, le=1)]
    dice: Annotated[Number, Field(ge=0)]
    jitter: Share
    ema: Share
    keep: Literal["last", "best"]
    device: Annotated[str, one_of(DEVICES)]
    seed: Annotated[int, Field(ge=0)]


def main() -> None:
    """Train epoch by epoch, validate after each, keep the model."""
    params = read_block("train", Train)
    make_repeatable()
    classes, scale = read_dataset(PREPARED)
    tiles, validation = Tiles.open(PREPARED / "train"), Tiles.open(PREPARED / "validation")
    torch.manual_seed(params.seed)
    trainer = Trainer(
        build(params.model, params.backbone, len(classes)),
        RandomCrops(tiles, params.crop),
        class_weights(tiles.class_pixels(classes), params.balance),
        device=choose_device(params.device),
        **params.model_dump(exclude={"model", "backbone", "crop", "balance", "keep", "device"}),
    )
    kept, best = None, -1.0
    CURVES.parent.mkdir(exist_ok=True)
    with CURVES.open("w", newline="") as file:
        for row in trainer.run(validation):
            if row["epoch"] == 1:
                csv.writer(file).writerow(row)
            csv.writer(file).writerow("" if value is None else f"{value:.6g}" for value in row.values())
            file.flush()
            if params.keep == "last" or (row["mean_iou"] or 0.0) > best:
                kept, best = row, row["mean_iou"] or 0.0
                network = copy.deepcopy(trainer.average.module)
    save_model(Model(network, params.model, params.backbone, classes, scale), MODEL)
    del kept["lr"]  # no result
    write_metrics(METRICS, {**kept, "parameters": sum(weights.numel() for weights in network.parameters())})
    print(f"{MODEL}: {params.model} on {params.backbone}, of epoch {kept['epoch']}")


if __name__ == "__main__":
    run(main)
