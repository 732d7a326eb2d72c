"""Train a network, or several whose class probabilities the model averages.

in:   data/prepared, data/weights, and the initial weights if train.weights names a file
out:  models/model.safetensors, metrics/train.json, plots/training.csv (a row per epoch, while it trains)

Killed at any moment and started again, it resumes from its checkpoint and ends in the same bytes.
"""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import torch

from landcover.data.tiles import Dataset, Tiles, read_dataset
from landcover.models.combining import combined
from landcover.models.model_file import Model, save_model
from landcover.models.networks import build
from landcover.models.provenance import Origin
from landcover.models.weights.packages import weights_file
from landcover.models.weights.pretrained import Loaded, load_weights
from landcover.system.devices import check_precision, choose_device, make_repeatable
from landcover.system.errors import warn
from landcover.system.files import naming_write_errors, rounded, write_metrics
from landcover.system.outputs import check_outputs
from landcover.system.processes import Processes, process_group
from landcover.system.scratch import exclusive
from landcover.training.checkpoints import Checkpoint, fingerprint
from landcover.training.recipe import Recipe
from landcover.training.trainer import Row, Trained, Trainer
from stages.common.params import read_block
from stages.common.paths import MODEL, PREPARED, WEIGHTS
from stages.common.runner import run

CHECKPOINTS = Path("checkpoints")
METRICS = Path("metrics/train.json")
CURVES = Path("plots/training.csv")
ADVICE = "Move the weights, and set train.weights in params.yaml."


class Training:
    """The training of the networks of a recipe, one after the other.

    Attributes:
        models: Those of the networks that are finished, of one network each.
        kept: Of each of these, the figures of the epoch that was kept.
    """

    def __init__(self, recipe: Recipe, device: torch.device, processes: Processes) -> None:
        self._recipe, self._device, self._processes = recipe, device, processes
        self._dataset = read_dataset(PREPARED)
        self._tiles, self._validation = (self._open(split) for split in ("train", "validation"))
        self._fingerprint = ""
        self._checkpoints: list[Checkpoint] = []
        self._trainer: Trainer | None = None  # of the last network
        self.models: list[Model] = []
        self.kept: list[Row] = []

    def rows(self) -> Iterator[Row]:
        """Train; yield the figures of each epoch, which are counted over all networks."""
        networks = self._recipe.of_each_network()
        for number, recipe in enumerate(networks):
            if self._processes.is_main and len(networks) > 1:
                print(f"network {number + 1} of {len(networks)}, seed {recipe.seed}", flush=True)
            for row in self._train(number, recipe):
                yield {**row, "epoch": number * recipe.epochs + (row["epoch"] or 0)}

    def result(self) -> tuple[Model, dict[str, float | None]]:
        """The model, the mean of the finished ones, and its figures."""
        figures = {name: value for name, value in self.kept[-1].items() if name != "lr"}
        if len(self.models) == 1:
            return self.models[0], figures
        model = replace(combined(self.models), path=MODEL, parts=())
        assert self._trainer
        scores, _ = self._trainer.validate(model.network.to(self._device), self._validation)
        epochs, losses = ([row[name] or 0 for row in self.kept] for name in ("epoch", "train_loss"))
        return model, {"epoch": sum(epochs), "train_loss": fmean(losses), **scores}

    def delete_checkpoints(self) -> None:
        """Delete what is no longer needed once the result is written."""
        for checkpoint in self._checkpoints:
            checkpoint.delete()

    def _train(self, number: int, recipe: Recipe) -> Iterator[Row]:
        """Train a network, and keep its model."""
        torch.manual_seed(recipe.seed)
        network = build(recipe.architecture(), len(self._dataset.classes), self._dataset.spec)
        loaded = load_weights(network, recipe.weights, WEIGHTS)
        self._trainer = Trainer(network, self._tiles, self._dataset.classes, recipe, self._device, self._processes)
        if not number:
            if self._processes.is_main:
                print_weights(recipe, loaded)
            self._fingerprint = self._digest()
        checkpoint = Checkpoint(checkpoint_path(number), f"{self._fingerprint} {number}")
        self._checkpoints.append(checkpoint)
        yield from self._trainer.run(self._validation, checkpoint)
        trained = self._trainer.result()
        origin = origin_of(trained, recipe, loaded, self._dataset, self._tiles, self._validation)
        self.models.append(Model(trained.network, self._dataset.classes, self._dataset.scale, MODEL, origin))
        self.kept.append(trained.row)

    def _digest(self) -> str:
        """Of all that the result depends on; taken once, as later more of the code is loaded, which counts."""
        inputs = [path for path in [*PREPARED.rglob("*"), *weights_files(self._recipe)] if path.is_file()]
        return fingerprint([self._recipe.model_dump(), self._processes.count, str(self._device)], inputs)

    def _open(self, split: str) -> Tiles:
        return Tiles.open(PREPARED / split, self._dataset.classes, self._dataset.spec)


def main() -> None:
    """Train epoch by epoch, validate after each, save the model of the last or the best."""
    recipe = read_block("train", Recipe)
    check_paths(recipe)
    make_repeatable()
    device = choose_device(recipe.device)
    check_precision(recipe.precision, device)
    with process_group(device) as processes, exclusive(CURVES) if processes.is_main else nullcontext() as scratch:
        training = Training(recipe, device, processes)
        if scratch:
            write_curves(training.rows(), scratch / CURVES.name)
        else:  # not the first process, which writes for all
            deque(training.rows(), maxlen=0)
        model, figures = training.result()
        if not scratch:
            return
        save_model(model, MODEL)
        parameters = sum(weights.numel() for weights in model.network.parameters())
        write_metrics(METRICS, figures | {"parameters": parameters})
        training.delete_checkpoints()
    epochs = [str(row["epoch"]) for row in training.kept]
    print(f"{MODEL}: {model.architecture}, of epoch{'s' * (len(epochs) > 1)} {', '.join(epochs)}")
    model.warn_if_collapsed()


def print_weights(recipe: Recipe, loaded: Loaded | None) -> None:
    """Print where the initial weights are from; warn of settings that need some."""
    if loaded:
        print(f"initial weights of {recipe.backbone}: {loaded}", flush=True)
        return
    if recipe.freeze_batch_norm:
        warn("train.freeze_batch_norm = true: random weights have no statistics to keep. Set it to false")
    if recipe.freeze_stride:
        warn(f"train.freeze_stride = {recipe.freeze_stride}: random weights would never be trained. Set it to 0")


def checkpoint_path(number: int) -> Path:
    """Of the checkpoint of a network, counted from 0."""
    return CHECKPOINTS / (f"train-{number + 1}.pt" if number else "train.pt")


def check_paths(recipe: Recipe) -> None:
    """Check that no output would replace an input, and that no stage before this one would replace the weights."""
    weights = [] if recipe.weights in ("none", "imagenet") else [Path(recipe.weights)]
    checkpoints = map(checkpoint_path, range(recipe.networks))
    check_outputs([PREPARED, WEIGHTS, *weights], files=[MODEL, METRICS, CURVES, *checkpoints], advice=ADVICE)
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
