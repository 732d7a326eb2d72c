"""The optimisation step: forward and backward pass, clipping, optimiser and moving average."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from landcover.models.frozen_layers import freeze_layers
from landcover.models.networks import Network
from landcover.system.devices import find_dtype
from landcover.system.errors import LandcoverError, reason
from landcover.system.processes import Processes
from landcover.training.augmentation import augment
from landcover.training.averaging import averaging
from landcover.training.batches import Batch, Batches, seed_of
from landcover.training.losses import Criterion
from landcover.training.optimizers import lr_factor, make_optimizer
from landcover.training.progress import batch_name
from landcover.training.recipe import Recipe


class Stepper:
    """Takes the optimisation steps of a training, alone or as one of several processes that share each batch.

    All randomness of a step is a pure function of (seed, epoch, step).

    Args:
        network: The network to train; it is moved to `device`.
        batches: The batches, to name the tiles of one in an error.
        criterion: The loss; it is moved to `device`.
        recipe: The settings.
        device: Where to compute.
        processes: The processes that train together. Each one's batch norm sees only its own part of a batch.

    Attributes:
        network: As given.
        average: The moving average of the network.
    """

    def __init__(
        self,
        network: Network,
        batches: Batches,
        criterion: Criterion,
        recipe: Recipe,
        device: torch.device,
        processes: Processes,
    ) -> None:
        self._batches, self._recipe, self._device, self._processes = batches, recipe, device, processes
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self._frozen = freeze_layers(network, recipe.freeze_stride) if recipe.freeze_stride else []
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
        self._replica = DistributedDataParallel(network) if processes.count > 1 else network
        self._forward = torch.compile(self._replica) if recipe.compile else self._replica

    def parts(self) -> dict[str, Any]:
        """Everything that changes in a step; each part has `state_dict` and `load_state_dict`."""
        return {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "scaler": self.scaler,
        }

    def lr(self, number: int) -> float:
        """The learning rate of step `number`."""
        return self._recipe.lr * self._lr_factor(number)

    def step(self, batch: Batch, number: int, flags: Callable[[], Sequence[bool]]) -> tuple[float, list[bool]]:
        """Take step `number`, counted from 0.

        Args:
            batch: This process's part of the batch.
            flags: Called after the backward pass; what it returns is exchanged together with the loss.

        Returns:
            The loss of the whole batch; and for each flag, whether it is true in any of the processes.

        Raises:
            LandcoverError: The loss or the gradients are not finite, or the batch is too small for batch norm.
        """
        recipe, processes = self._recipe, self._processes
        self.network.train()
        if recipe.freeze_batch_norm:
            freeze_batch_norm(self.network)
        for layer in self._frozen:
            layer.eval()
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak_lr"] * self._lr_factor(number)
        torch.manual_seed(seed_of(recipe.seed, *divmod(number, recipe.steps), processes.rank))  # for dropout
        images, labels = (tensor.to(self._device, non_blocking=True) for tensor in (batch.images, batch.labels))
        transforms, divisor = batch.transforms.to(self._device), self.network.images.divisor
        images, labels = augment(images, labels, transforms, divisor)
        share = self._backward(images, labels)
        loss, *counts = processes.all_reduce(torch.cat([share[None], share.new_tensor(flags())])).tolist()
        self._check_finite(loss, "loss", number)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip or math.inf)
        if not self.scaler.is_enabled():  # which skips steps whose gradients are not finite, and lowers its scale
            self._check_finite(norm.item(), "norm of the gradients", number)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.average.update_parameters(self.network)
        return loss, [count > 0 for count in counts]

    def _backward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Compute the gradients of the whole batch; return the share of this process in its loss, float32 ()."""
        recipe, processes = self._recipe, self._processes
        counts = processes.all_reduce(self.criterion.counts(labels))
        self.optimizer.zero_grad()
        loss = torch.zeros((), device=self._device)
        parts = zip(images.chunk(recipe.accumulate), labels.chunk(recipe.accumulate), strict=True)
        for i, (image_part, label_part) in enumerate(parts, 1):
            last, replica = i == recipe.accumulate, self._replica  # gradients are exchanged after the last part only
            with nullcontext() if last or not isinstance(replica, DistributedDataParallel) else replica.no_sync():
                loss_part = self.criterion(self._logits(image_part), label_part, counts, processes)
                # The parts' losses add up to that of the batch, but processes average their gradients: undo that.
                torch.autograd.backward(self.scaler.scale(loss_part * processes.count))
            loss += loss_part.detach()
        return loss

    def _logits(self, images: Tensor) -> Tensor:
        dtype = find_dtype(self._recipe.precision)
        try:
            with torch.autocast(self._device.type, dtype, enabled=dtype is not torch.float32):
                logits: Tensor = self._forward(images).float()
                return logits
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise LandcoverError(
                f"`batch_size` = {self._batches.batch_size} with `crop` = {self._batches.size}: batch norm needs more "
                "than one value per channel. Raise one of them, or set `freeze_batch_norm`."
            ) from error
        except RuntimeError as error:
            if not (self._recipe.compile and type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))):
                raise
            raise LandcoverError(
                f"`compile`: the network cannot be compiled ({reason(error)}). Set it to false."
            ) from error

    def _lr_factor(self, number: int) -> float:
        recipe = self._recipe
        return lr_factor(recipe.schedule, number, recipe.warmup, recipe.epochs * recipe.steps)

    def _check_finite(self, value: float, name: str, number: int) -> None:
        if not math.isfinite(value):
            steps = self._recipe.steps
            tiles = ", ".join(self._batches.tile_names(*divmod(number, steps)))
            raise LandcoverError(
                f"{batch_name(number, steps)}: the {name} is {value:.3g} at a learning rate of {self.lr(number):.3g}. "
                f"Lower `lr`, or check the tiles of the batch: {tiles}."
            )


def freeze_batch_norm(network: nn.Module) -> None:
    """Make batch norm use the statistics that it has, and keep them; its scale and shift are still trained."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
