"""How to train: all that is not the network, its examples or the loss."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of a `landcover.training.trainer.Trainer`.

    Attributes:
        epochs, steps: Number of epochs, and of batches in each.
        optimizer, momentum, weight_decay, backbone_lr: As `make_optimizer` takes them.
        lr: Peak learning rate.
        schedule, warmup: As `lr_factor` takes them.
        clip: Norm to which gradients are cut down; 0 for none.
        ema: Decay per step of the moving average of weights and batch-norm statistics that becomes the model, less in
            the beginning, as `averaging.decay_at` says; 0 for none.
        freeze_batch_norm: Normalise by the statistics that the network came with: for batches too small for their own.
        accumulate: Parts in which a batch passes through the network, to save memory.
        precision: One of `devices.PRECISIONS`.
        compile: Translate the network by `torch.compile`.
        keep: `last` or `best`: the epoch whose network becomes the model; best is the highest mean IoU.
        workers: Processes that read batches ahead.
        log_every: Batches between two lines on the terminal where there is no progress bar; 0 for no lines.
        checkpoint_minutes: Between two checkpoints within an epoch.
        seed: Of dropout.
    """

    epochs: int
    steps: int
    lr: float
    optimizer: str = "adamw"
    momentum: float = 0.9
    weight_decay: float = 0.0
    backbone_lr: float = 1.0
    schedule: str = "cosine"
    warmup: int = 0
    clip: float = 5.0
    ema: float = 0.0
    freeze_batch_norm: bool = False
    accumulate: int = 1
    precision: str = "fp32"
    compile: bool = False
    keep: str = "last"
    workers: int = 0
    log_every: int = 0
    checkpoint_minutes: float = 10.0
    seed: int = 0
