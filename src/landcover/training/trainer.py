"""Train a network on prepared tiles."""

import copy
import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import astuple
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from landcover.data.tiles import Tiles
from landcover.models.collapse import Favourite
from landcover.system.devices import PRECISIONS
from landcover.system.errors import LandcoverError, is_out_of_memory, reason
from landcover.system.interrupts import StopRequest
from landcover.system.processes import Processes
from landcover.training.augmentation import augment
from landcover.training.averaging import averaging
from landcover.training.batches import Batch, Batches, seed_of
from landcover.training.checkpoints import Checkpoint
from landcover.training.losses import Criterion
from landcover.training.optimizers import lr_factor, make_optimizer
from landcover.training.prefetching import read_ahead
from landcover.training.progress import Progress
from landcover.training.recipe import Recipe
from landcover.training.resuming import check_state
from landcover.training.validation import validate

Row = dict[str, float | None]
"""Figures of an epoch: a row of `plots/training.csv`."""


class Trainer:
    """Minimises a loss on batches of crops, by itself or with others that do the same to other parts of each batch.

    All randomness of a step is a pure function of (seed, epoch, step), and all else that a step depends on is in the
    checkpoint: a training that is killed and goes on ends in the same bits as one that was left alone.

    Args:
        network: Logits (N, C, H, W) from RGB in 0..1 (N, 3, H, W), with the part `backbone`.
        batches: Where its examples come from.
        criterion: The loss.
        recipe: All else.
        processes: Those that train together; each one's batch norm sees its own part of a batch.

    Attributes:
        average: The moving average of the network, which is what is validated.

    Raises:
        LandcoverError: A batch that cannot be shared evenly.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        criterion: Criterion,
        recipe: Recipe,
        device: torch.device,
        processes: Processes | None = None,
    ) -> None:
        self.recipe, self.batches, self.device, self.processes = recipe, batches, device, processes or Processes()
        parts = self.processes.count * recipe.accumulate
        if batches.batch_size % parts:
            raise LandcoverError(
                f"train.batch_size = {batches.batch_size}: should be a multiple of {parts}, which is the number of "
                f"processes, {self.processes.count}, times train.accumulate = {recipe.accumulate}."
            )
        self.network = network.to(device, memory_format=torch.channels_last)
        self.criterion = criterion.to(device)
        self.average = AveragedModel(network, multi_avg_fn=averaging(recipe.ema), use_buffers=True)
        self.optimizer = make_optimizer(
            network,
            recipe.optimizer,
            lr=recipe.lr,
            backbone_lr=recipe.backbone_lr,
            weight_decay=recipe.weight_decay,
            momentum=recipe.momentum,
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self._replica = DistributedDataParallel(network) if self.processes.count > 1 else network
        self._forward = torch.compile(self._replica) if recipe.compile else self._replica
        self._rows: list[Row] = []  # of the epochs done
        self._done = 0  # steps
        self._loss_sum = 0.0  # of the steps of the epoch under way
        self._favourites: list[Favourite | None] = []  # of the epochs done
        self._best: tuple[Row, dict[str, Tensor]] | None = None  # with the weights, if the best epoch is to be kept
        self._saved = 0.0  # when the last checkpoint was

    def run(self, validation: Tiles, checkpoint: Checkpoint | None = None) -> Iterator[Row]:
        """Train what the checkpoint leaves to do; yield the row of every epoch, of those done before too.

        The checkpoint stays in the end: delete it when the model is safe.

        Raises:
            LandcoverError: The loss is no longer finite. The last checkpoint is from before.
            KeyboardInterrupt: SIGINT or SIGTERM came: the batch was finished and the checkpoint saved.
        """
        if checkpoint and (
            state := self.processes.broadcast_object(checkpoint.load() if self.processes.is_main else None)
        ):
            problem = self._set_state(state)
            if self.processes.is_main and problem:
                checkpoint.tell_damaged(problem)
            elif self.processes.is_main:
                print(f"{checkpoint.path}: going on after {self._place(self._done - 1)}", flush=True)
        yield from self._rows
        self._saved = time.monotonic()
        with StopRequest() as stop, self._progress() as progress:
            for batch in self._batches_to_do():
                stopping, saving = self._step(batch, stop)
                in_epoch = (self._done - 1) % self.recipe.steps + 1
                progress.step(self._loss_sum / in_epoch, self._lr(self._done - 1))
                epoch_ends = in_epoch == self.recipe.steps
                if epoch_ends:
                    self._finish_epoch(validation)
                    progress.start_clock()  # validating is not training
                if checkpoint and (epoch_ends or stopping or saving):
                    self._save(checkpoint)
                if epoch_ends:
                    yield self._rows[-1]
                if stopping and self._done < self._total:
                    hint = "Run the same command again to go on from there." if checkpoint else "Nothing was saved."
                    raise KeyboardInterrupt(f"stopped after {self._place(self._done - 1)}. {hint}")

    def model(self) -> tuple[Row, nn.Module]:
        """The figures of the epoch to keep, and its network; once the training is done."""
        if self._best is None:
            return self._rows[-1], self.average.module
        row, weights = self._best
        self.average.module.load_state_dict(weights)
        return row, self.average.module

    def favourite(self, row: Row) -> Favourite | None:
        """The class that the network of an epoch gives most often; None if no validation pixel is labelled."""
        return self._favourites[self._rows.index(row)]

    def _step(self, batch: Batch, stop: StopRequest) -> tuple[bool, bool]:
        """Take a step; return whether any process was asked to stop, and whether it is time for a checkpoint."""
        recipe, processes = self.recipe, self.processes
        self.network.train()
        if recipe.freeze_batch_norm:
            freeze_batch_norm(self.network)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak_lr"] * self._lr_factor(self._done)
        torch.manual_seed(seed_of(recipe.seed, *divmod(self._done, recipe.steps), processes.rank))  # for dropout
        images, labels = (tensor.to(self.device, non_blocking=True) for tensor in (batch.images, batch.labels))
        images, labels = augment(images, labels, batch.draw.to(self.device), self.batches.size)
        counts = processes.all_reduce(self.criterion.counts(labels))
        self.optimizer.zero_grad()
        loss = torch.zeros((), device=self.device)
        parts = zip(images.chunk(recipe.accumulate), labels.chunk(recipe.accumulate), strict=True)
        for i, (image_part, label_part) in enumerate(parts, 1):
            alone = i < recipe.accumulate and processes.count > 1
            with self._replica.no_sync() if alone else nullcontext():
                loss_part = self.criterion(self._logits(image_part), label_part, counts, processes)
                # A part's loss is its share of the batch's, and processes average their gradients: undo the average.
                self.scaler.scale(loss_part * processes.count).backward()
            loss += loss_part.detach()
        # All processes have to agree on what they do next: the first one's clock counts, and anyone's wish to stop.
        due = processes.is_main and time.monotonic() > self._saved + 60 * recipe.checkpoint_minutes
        wishes = loss.new_tensor([stop.requested, due])
        loss, stopping, saving = processes.all_reduce(torch.cat([loss[None], wishes])).tolist()
        self._check_finite(loss, "loss")
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip or math.inf)
        if not self.scaler.is_enabled():  # else it leaves out a step whose gradients are not finite, and scales less
            self._check_finite(norm.item(), "norm of the gradients")
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.network)
        self._loss_sum += loss
        self._done += 1
        return stopping > 0, saving > 0

    def _logits(self, images: Tensor) -> Tensor:
        dtype = PRECISIONS[self.recipe.precision]
        try:
            with torch.autocast(self.device.type, dtype, enabled=dtype is not torch.float32):
                return self._forward(images).float()
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise LandcoverError(
                f"train.batch_size = {self.batches.batch_size} with train.crop = {self.batches.size}: batch norm needs "
                "more than one value of a channel at a time. Raise one of them, or set train.freeze_batch_norm."
            ) from error
        except RuntimeError as error:
            if not (self.recipe.compile and type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))):
                raise
            raise LandcoverError(
                f"train.compile: the network cannot be compiled ({reason(error)}). Set it to false."
            ) from error

    def _finish_epoch(self, validation: Tiles) -> None:
        """Validate, and remember the figures and the best network."""
        for buffer in self.average.buffers():  # each process's batch norm has seen other parts of the batches
            self.processes.broadcast(buffer)
        pixels = self.batches.batch_size * self.batches.size**2
        figures, favourite = validate(
            self.average.eval(), validation, self.criterion, pixels, self.device, self.processes
        )
        epoch = self._done // self.recipe.steps
        if not math.isfinite(figures["validation_loss"] or 0.0):
            raise LandcoverError(
                f"epoch {epoch}: the loss on the validation tiles is {figures['validation_loss']:.3g}. Lower train.lr."
            )
        row = {
            "epoch": epoch,
            "lr": self._lr(self._done - self.recipe.steps),
            "train_loss": self._loss_sum / self.recipe.steps,
            **figures,
        }
        self._loss_sum = 0.0
        self._rows.append(row)
        self._favourites.append(favourite)
        best = self._best[0]["tile_mean_iou"] if self._best else None
        if self.recipe.keep == "best" and (not self._best or (row["tile_mean_iou"] or 0) > (best or 0)):
            weights = {name: tensor.clone() for name, tensor in self.average.module.state_dict().items()}
            self._best = row, weights

    def _save(self, checkpoint: Checkpoint) -> None:
        if self.processes.is_main:
            parts = {name: part.state_dict() for name, part in self._parts().items()}
            checkpoint.save({**parts, **self._progress_state()})
        self.processes.barrier()  # one that goes away early takes the others with it
        self._saved = time.monotonic()

    def _progress_state(self) -> dict[str, Any]:
        """All that changes in an epoch and is no part."""
        favourites = [favourite and astuple(favourite) for favourite in self._favourites]
        return {
            "done": self._done,
            "loss_sum": self._loss_sum,
            "rows": self._rows,
            "favourites": favourites,
            "best": self._best,
        }

    def _set_state(self, state: dict[str, Any]) -> str | None:
        """Go on from what a checkpoint holds; if that cannot be, say why and leave all as it was.

        A checkpoint vouches for its own content, but whoever alters one can make it vouch for anything.
        """
        before = copy.deepcopy({name: part.state_dict() for name, part in self._parts().items()})
        try:
            shapes = [parameter.shape for group in self.optimizer.param_groups for parameter in group["params"]]
            check_state(state, before, self.recipe, shapes, len(self.criterion.class_weights))
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
        except Exception as error:  # whatever PyTorch raises about what cannot be
            if is_out_of_memory(error):
                raise
            for name, part in self._parts().items():
                part.load_state_dict(before[name])
            return reason(error)
        self._done, self._loss_sum, self._rows, self._best = (
            state[name] for name in ("done", "loss_sum", "rows", "best")
        )
        self._favourites = [favourite and Favourite(*favourite) for favourite in state["favourites"]]
        return None

    def _parts(self) -> dict[str, Any]:
        """All that changes in a step and knows how to save itself."""
        return {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "scaler": self.scaler,
        }

    @property
    def _total(self) -> int:
        return self.recipe.epochs * self.recipe.steps

    def _lr_factor(self, step: int) -> float:
        return lr_factor(self.recipe.schedule, step, self.recipe.warmup, self._total)

    def _lr(self, step: int) -> float:
        return self.recipe.lr * self._lr_factor(step)

    def _place(self, step: int) -> str:
        epoch, step = divmod(step, self.recipe.steps)
        return f"epoch {epoch + 1}, batch {step + 1}"

    def _check_finite(self, value: float, name: str) -> None:
        if not math.isfinite(value):
            lr = self._lr(self._done)
            tiles = ", ".join(self.batches.tile_names(*divmod(self._done, self.recipe.steps)))
            raise LandcoverError(
                f"{self._place(self._done)}: the {name} is {value:.3g} at a learning rate of {lr:.3g}. "
                f"Lower train.lr, or look at the batch's tiles: {tiles}."
            )

    def _batches_to_do(self) -> Iterator[Batch]:
        keys = (divmod(step, self.recipe.steps) for step in range(self._done, self._total))
        return read_ahead(self.batches, keys, self.recipe.workers, pin_memory=self.device.type == "cuda")

    def _progress(self) -> Progress:
        return Progress(
            epochs=self.recipe.epochs,
            steps=self.recipe.steps,
            done=self._done,
            batch_size=self.batches.batch_size,
            every=self.recipe.log_every,
            silent=not self.processes.is_main,
        )


def freeze_batch_norm(network: nn.Module) -> None:
    """Let batch norm use the statistics that it has, and keep them; its scale and shift go on learning."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
