"""The training loop: steps, validation after each epoch, checkpoints, and the choice of the model."""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from landcover.classes.class_table import ClassTable
from landcover.data.tiles import Tiles
from landcover.models.collapse import DominantClass
from landcover.models.networks import Network
from landcover.system.errors import LandcoverError, is_out_of_memory, reason
from landcover.system.interrupts import StopRequest
from landcover.system.processes import Processes
from landcover.training.augmentation import Augmentation
from landcover.training.batches import Batch, Batches
from landcover.training.checkpoints import Checkpoint
from landcover.training.losses import Criterion, class_weights
from landcover.training.prefetching import read_ahead
from landcover.training.progress import Progress, batch_name
from landcover.training.recipe import Recipe
from landcover.training.resuming import check_state
from landcover.training.stepping import Stepper
from landcover.training.validation import validate

Row = dict[str, float | None]
"""Figures of an epoch: a row of `plots/training.csv`."""


class Trained(NamedTuple):
    """The result of a training.

    Attributes:
        row: Figures of the epoch that was kept.
        network: The network at the end of that epoch: the moving average, in evaluation mode.
        dominant: The class that it predicts most often on the validation tiles; None if none of their pixels is
            labelled.
    """

    row: Row
    network: Network
    dominant: DominantClass | None


class Trainer:
    """Trains a network on random crops of tiles, alone or as one of several processes that share each batch.

    Each step is a pure function of the state and of (seed, epoch, step), and checkpoints contain the whole state: a
    training that is killed and resumes ends in the same bits as an undisturbed one.

    Args:
        network: The network to train.
        tiles: The training tiles.
        classes: The classes of their labels, which are those of the network's logits.
        recipe: The settings.
        device: Where to compute.
        processes: The processes that train together.

    Attributes:
        stepper: Takes the steps; its `average` of the network is what is validated and becomes the model.

    Raises:
        LandcoverError: The batch cannot be shared evenly, or the weights of the classes do not fit them.
    """

    def __init__(
        self,
        network: Network,
        tiles: Tiles,
        classes: ClassTable,
        recipe: Recipe,
        device: torch.device,
        processes: Processes | None = None,
    ) -> None:
        self._recipe, self._device, self._processes = recipe, device, processes or Processes()
        shares = self._processes.count * recipe.accumulate
        if recipe.batch_size % shares:
            raise LandcoverError(
                f"`batch_size` = {recipe.batch_size}: should be a multiple of {shares}, which is the number of "
                f"processes, {self._processes.count}, times `accumulate` = {recipe.accumulate}."
            )
        pixels = tiles.class_pixels(classes)
        weights = class_weights(pixels.sum(0), recipe.class_weights)
        self._criterion = Criterion(recipe.loss, weights, recipe.label_smoothing, recipe.focal_gamma)
        self._batches = Batches(
            tiles,
            pixels,
            size=recipe.crop,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            augmentation=Augmentation(recipe.symmetry, recipe.zoom, recipe.jitter),
            balance=recipe.balance,
            cutmix=recipe.cutmix,
            processes=self._processes,
            images=network.images,
        )
        self.stepper = Stepper(network, self._batches, self._criterion, recipe, device, self._processes)
        self._done = 0  # steps
        self._loss_sum = 0.0  # of the steps of the current epoch
        self._rows: list[Row] = []  # of the finished epochs
        self._dominant: list[DominantClass | None] = []  # of the finished epochs
        self._best: tuple[Row, dict[str, Tensor]] | None = None  # with the weights, if the best epoch is to be kept
        self._saved = 0.0  # time of the last checkpoint

    def run(self, validation: Tiles, checkpoint: Checkpoint | None = None) -> Iterator[Row]:
        """Train, from the checkpoint if there is one; yield the row of each epoch, also of those already finished.

        The checkpoint remains at the end: delete it when the model is saved.

        Raises:
            LandcoverError: The loss is no longer finite. The last checkpoint is from before that.
            KeyboardInterrupt: SIGINT or SIGTERM came: the current batch was finished and a checkpoint saved.
        """
        if checkpoint:
            self._resume(checkpoint)
        yield from self._rows
        self._saved = time.monotonic()
        steps = self._recipe.steps
        with StopRequest() as stop, self._progress() as progress:

            def flags() -> tuple[bool, bool]:
                """Whether to stop, and whether to save: of any process's request, and by the first one's clock."""
                return stop.requested, self._processes.is_main and self._is_due()

            for batch in self._batches_to_do():
                loss, (stopping, saving) = self.stepper.step(batch, self._done, flags)
                self._loss_sum += loss
                self._done += 1
                in_epoch = (self._done - 1) % steps + 1
                progress.step(self._loss_sum / in_epoch, self.stepper.lr(self._done - 1))
                epoch_ends = in_epoch == steps
                if epoch_ends:
                    self._finish_epoch(validation)
                    progress.start_clock()  # without the time of the validation
                if checkpoint and (epoch_ends or stopping or saving):
                    self._save(checkpoint)
                if epoch_ends:
                    yield self._rows[-1]
                if stopping and self._done < self._total:
                    hint = "Run the same command again to go on from there." if checkpoint else "Nothing was saved."
                    raise KeyboardInterrupt(f"stopped after {batch_name(self._done - 1, steps)}. {hint}")

    def result(self) -> Trained:
        """The epoch to keep; call it when the training is done."""
        network = cast(Network, self.stepper.average.module)
        if self._best is None:
            return Trained(self._rows[-1], network, self._dominant[-1])
        row, weights = self._best
        network.load_state_dict(weights)
        return Trained(row, network, self._dominant[self._rows.index(row)])

    def validate(self, network: Network, validation: Tiles) -> tuple[dict[str, float | None], DominantClass | None]:
        """Figures of any network for the same classes, in evaluation mode on the device of this one, see `validate`."""
        pixels = self._recipe.batch_size * self._recipe.crop**2
        return validate(network, validation, self._criterion, pixels, self._device, self._processes)

    def _finish_epoch(self, validation: Tiles) -> None:
        """Validate the average, and store its figures and, if it is the best so far, its weights."""
        recipe, average = self._recipe, self.stepper.average
        for buffer in average.buffers():  # the batch norm of each process has seen different parts of the batches
            self._processes.broadcast(buffer)
        average.eval()
        figures, dominant = self.validate(cast(Network, average.module), validation)
        epoch = self._done // recipe.steps
        loss = figures["validation_loss"]
        if loss is not None and not math.isfinite(loss):
            raise LandcoverError(f"epoch {epoch}: the loss on the validation tiles is {loss:.3g}. Lower `lr`.")
        row: Row = {
            "epoch": epoch,
            "lr": self.stepper.lr(self._done - recipe.steps),
            "train_loss": self._loss_sum / recipe.steps,
            **figures,
        }
        self._loss_sum = 0.0
        self._rows.append(row)
        self._dominant.append(dominant)
        best = self._best[0]["tile_mean_iou"] if self._best else None
        if recipe.keep == "best" and (not self._best or (row["tile_mean_iou"] or 0) > (best or 0)):
            weights = {name: tensor.clone() for name, tensor in average.module.state_dict().items()}
            self._best = row, weights

    def _save(self, checkpoint: Checkpoint) -> None:
        if self._processes.is_main:
            parts = {name: part.state_dict() for name, part in self.stepper.parts().items()}
            checkpoint.save({**parts, **self._progress_state()})
        self._processes.barrier()  # a process that exits early ends the others
        self._saved = time.monotonic()

    def _progress_state(self) -> dict[str, Any]:
        """The part of the state that is not in the parts of the stepper."""
        return {
            "done": self._done,
            "loss_sum": self._loss_sum,
            "rows": self._rows,
            "dominant": [dominant and astuple(dominant) for dominant in self._dominant],
            "best": self._best,
        }

    def _is_due(self) -> bool:
        return time.monotonic() > self._saved + 60 * self._recipe.checkpoint_minutes

    def _resume(self, checkpoint: Checkpoint) -> None:
        """Take over the state of a checkpoint, if there is one that can be used, and print that."""
        state = self._processes.broadcast_object(checkpoint.load() if self._processes.is_main else None)
        if not state:
            return
        problem = self._set_state(state)
        if self._processes.is_main and problem:
            checkpoint.print_damaged(problem)
        elif self._processes.is_main:
            print(f"{checkpoint.path}: going on after {batch_name(self._done - 1, self._recipe.steps)}", flush=True)

    def _set_state(self, state: dict[str, Any]) -> str | None:
        """Take over a state; if it is not a possible one, return why, and leave everything as it was.

        The digest in a checkpoint protects against damage, not against somebody who alters both state and digest.
        """
        parts, groups = self.stepper.parts(), self.stepper.optimizer.param_groups
        before = copy.deepcopy({name: part.state_dict() for name, part in parts.items()})
        try:
            shapes = [parameter.shape for group in groups for parameter in group["params"]]
            check_state(state, before, self._recipe, shapes, len(self._criterion.class_weights))
            for name, part in parts.items():
                part.load_state_dict(state[name])
        except Exception as error:  # an impossible state can make PyTorch raise anything
            if is_out_of_memory(error):
                raise
            for name, part in parts.items():
                part.load_state_dict(before[name])
            return reason(error)
        self._done, self._loss_sum = state["done"], state["loss_sum"]
        self._rows, self._best = state["rows"], state["best"]
        self._dominant = [dominant and DominantClass(*dominant) for dominant in state["dominant"]]
        return None

    @property
    def _total(self) -> int:
        return self._recipe.epochs * self._recipe.steps

    def _batches_to_do(self) -> Iterator[Batch]:
        keys = (divmod(step, self._recipe.steps) for step in range(self._done, self._total))
        return read_ahead(self._batches, keys, self._recipe.workers, pin_memory=self._device.type == "cuda")

    def _progress(self) -> Progress:
        return Progress(
            epochs=self._recipe.epochs,
            steps=self._recipe.steps,
            done=self._done,
            batch_size=self._recipe.batch_size,
            every=self._recipe.log_every,
            silent=not self._processes.is_main,
        )
