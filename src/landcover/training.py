"""Train a network on prepared tiles."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from landcover.augment import colour_jitter, random_symmetry
from landcover.backbones import STRIDES
from landcover.confusion import class_iou, confusion_matrix, mean, pixel_accuracy
from landcover.crops import RandomCrops
from landcover.errors import LandcoverError
from landcover.losses import cross_entropy, soft_dice
from landcover.tiles import Tiles

_MAX_GRADIENT_NORM = 5.0


def warmup_cosine(step: int, warmup: int, total: int) -> float:
    """Factor of the learning rate: up a line for `warmup` steps, then down half a cosine to zero at step `total`."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


class Trainer:
    """AdamW on random crops, with an exponential moving average of the weights, which is what is validated and kept.

    All randomness of a step is a pure function of (seed, epoch, step), so no generator's state need be kept.

    Args:
        network: Logits (N, C, H, W) from RGB in 0..1 (N, 3, H, W).
        crops: Source of batches.
        class_weights: float32 (C,), weights in the loss.
        epochs, steps: Number of epochs, and of steps in each.
        batch_size: Crops in a step.
        lr: Peak learning rate.
        weight_decay: AdamW's, on convolution kernels only, not on biases and norms.
        warmup: Steps over which the learning rate rises.
        dice: Weight of `soft_dice`, added to the cross-entropy.
        jitter: Strength of `colour_jitter`.
        ema: Decay a step of the average of weights and batch-norm statistics; 0 for none.

    Raises:
        LandcoverError: Batches too small for batch norm.
    """

    def __init__(
        self,
        network: nn.Module,
        crops: RandomCrops,
        class_weights: Tensor,
        *,
        epochs: int,
        steps: int,
        batch_size: int,
        lr: float,
        weight_decay: float,
        warmup: int,
        dice: float,
        ema: float,
        jitter: float,
        seed: int,
        device: torch.device,
    ) -> None:
        if batch_size == 1 and crops.size <= STRIDES[-1]:
            raise LandcoverError(
                f"train.batch_size = 1 with train.crop = {crops.size}: batch norm needs more than one value at stride "
                f"{STRIDES[-1]}. Raise one of them."
            )
        self.crops, self.epochs, self.steps, self.batch_size = crops, epochs, steps, batch_size
        self.dice, self.jitter, self.seed, self.device = dice, jitter, seed, device
        self.network = network.to(device, memory_format=torch.channels_last)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True)
        self.class_weights = class_weights.to(device)
        kernels = [parameter for parameter in network.parameters() if parameter.ndim > 1]
        others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
        groups = [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=lr, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: warmup_cosine(step, warmup, epochs * steps)
        )

    def run(self, validation: Tiles) -> Iterator[dict[str, float | None]]:
        """Train all epochs; after each, yield its figures: a row of `plots/training.csv`."""
        for epoch in range(self.epochs):
            lr = self.schedule.get_last_lr()[0]
            train_loss = self.train_epoch(epoch)
            yield {"epoch": epoch + 1, "lr": lr, "train_loss": train_loss, **self.validate(validation)}

    def train_epoch(self, epoch: int) -> float:
        """Take the steps of an epoch (0, 1, ...); return the mean cross-entropy over its pixels.

        Raises:
            LandcoverError: The loss is no longer finite.
        """
        self.network.train()
        loss_sum, weight_sum = 0.0, 0.0
        progress = tqdm(range(self.steps), f"epoch {epoch + 1}", unit=" steps", leave=False, disable=None)
        for step in progress:
            generator = _generator(self.seed, epoch, step)
            images, labels = self.crops.draw(self.batch_size, generator)
            images, labels = random_symmetry(images.to(self.device), labels.to(self.device), generator)
            images = colour_jitter(_network_input(images), self.jitter, generator)
            logits, labels = self.network(images), labels.long()
            total, weight = cross_entropy(logits, labels, self.class_weights)
            loss = total / weight.clamp(min=1e-6)  # a batch without any labelled pixel has loss 0
            if self.dice:
                loss = loss + self.dice * soft_dice(logits, labels)
            if not torch.isfinite(loss):
                lr = self.schedule.get_last_lr()[0]
                place = f"epoch {epoch + 1}, step {step + 1}"
                raise LandcoverError(f"{place}: the loss is {loss:.3g} at a learning rate of {lr:.3g}. Lower train.lr.")
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT_NORM)
            self.optimizer.step()
            self.schedule.step()
            self.average.update_parameters(self.network)
            loss_sum += total.item()
            weight_sum += weight.item()
            progress.set_postfix(loss=f"{loss_sum / max(weight_sum, 1e-6):.3f}", refresh=False)
        return loss_sum / max(weight_sum, 1e-6)

    @torch.inference_mode()
    def validate(self, tiles: Tiles) -> dict[str, float | None]:
        """`validation_loss`, `pixel_accuracy` and `mean_iou` of the averaged network over all labelled pixels."""
        network = self.average.eval()
        classes = len(self.class_weights)
        confusion, loss_sum, weight_sum = np.zeros((classes, classes), np.int64), 0.0, 0.0
        for images, labels in _batches(tiles, self.batch_size * self.crops.size**2):
            images, labels = images.to(self.device), labels.to(self.device)
            logits = network(_network_input(images))
            total, weight = cross_entropy(logits, labels.long(), self.class_weights)
            loss_sum += total.item()
            weight_sum += weight.item()
            confusion += confusion_matrix(labels.cpu().numpy(), logits.argmax(1).cpu().numpy(), classes)
        return {
            "validation_loss": loss_sum / weight_sum if weight_sum else None,
            "pixel_accuracy": pixel_accuracy(confusion),
            "mean_iou": mean(class_iou(confusion)),
        }


def _generator(*key: int) -> torch.Generator:
    """A generator seeded by all of `key`; PyTorch's global one, which dropout uses, is seeded likewise."""
    seed = int(np.random.SeedSequence(key).generate_state(1)[0])
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def _network_input(images: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) to float32 (N, 3, H, W) in 0..1, channels last in memory."""
    return images.permute(0, 3, 1, 2).float() / 255


def _batches(tiles: Tiles, pixels: int) -> Iterator[tuple[Tensor, Tensor]]:
    """All tiles in batches of about `pixels`, less the padding common to a batch: uint8 (N, H, W, 3) and (N, H, W)."""
    count = max(1, pixels // tiles.labels[0].size)
    extent = tiles.table[["height", "width"]].to_numpy()
    for start in range(0, len(tiles.labels), count):
        height, width = extent[start : start + count].max(0)
        window = np.s_[start : start + count, :height, :width]
        yield torch.from_numpy(tiles.images[window].copy()), torch.from_numpy(tiles.labels[window].copy())
