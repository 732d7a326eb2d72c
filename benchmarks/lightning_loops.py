"""The ordinary training loops of torchgeo and of segmentation_models_pytorch (smp), as peers of training_peers.

Both are Lightning's `Trainer` with its defaults. torchgeo's is its `SemanticSegmentationTask` and its data module for
data sets like DeepGlobe, with their defaults: normalised, cropped at random, cross-entropy, AdamW, accuracy and Jaccard
index of each batch. smp's is that of its example of several classes (examples/camvid_segmentation_multiclass.ipynb):
Dice loss, Adam, true and false positives of each batch; images are decoded, cropped and flipped one by one, as that
example does with packages that we do not need.
"""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.images import CLASSES
from benchmarks.networks import OrdinaryDataset, network
from benchmarks.turns import end_turn, wait_for_turn
from landcover.images.image_spec import RGB


class _Turns(Callback):
    """A turn is the steps of an epoch. What follows them, validating one crop and a checkpoint, is not timed."""

    def __init__(self) -> None:
        self._seconds: float | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._seconds is not None:
            end_turn(self._seconds)
        if not wait_for_turn():
            raise SystemExit
        self._start = time.perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        self._seconds = time.perf_counter() - self._start


def train_with_torchgeo(pairs: Path, net: str, *, size: int, batch_size: int, workers: int) -> None:
    """Train in turns, an epoch of all images.

    Args:
        pairs: NAME_sat.jpg, NAME_mask.png.
        net: MODEL on BACKBONE is one of our networks; else a backbone of torchgeo's own `unet`.
        size: Side of the crops.
        workers: Processes that load images.
    """
    from torchgeo.datamodules import DeepGlobeLandCoverDataModule
    from torchgeo.trainers import SemanticSegmentationTask

    class Task(SemanticSegmentationTask):
        def configure_models(self) -> None:
            self.model = network(*net.split(" on "))

    root = pairs.with_name("torchgeo")
    _link_as_deepglobe(pairs, root)
    module = DeepGlobeLandCoverDataModule(batch_size, size, num_workers=workers, root=root)
    module.val_batch_size = 1
    options = {"num_classes": len(CLASSES), "ignore_index": len(CLASSES)}  # torchgeo's number of what is unknown
    task = Task(**options) if " on " in net else SemanticSegmentationTask("unet", net, **options)
    _trainer(root).fit(task, datamodule=module)


def train_with_smp(pairs: Path, backbone: str, *, size: int, batch_size: int, workers: int) -> None:
    """Train smp's `unet` on a backbone in turns; otherwise as `train_with_torchgeo`, of which it has as many steps."""
    images = sorted(pairs.glob("*_sat.jpg"))
    images = images[: round(0.8 * len(images))]  # torchgeo's share for training
    workers = {"num_workers": workers, "persistent_workers": workers > 0}
    training = DataLoader(OrdinaryDataset(images, size), batch_size, shuffle=True, drop_last=True, **workers)
    validation = DataLoader(OrdinaryDataset(images[:1], size), 1)
    _trainer(pairs.with_name("smp")).fit(_SmpTask(backbone), training, validation)


class _SmpTask(LightningModule):
    """Trains smp's `unet` as smp's example does."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        self.model = smp.create_model("unet", backbone, encoder_weights=None, classes=len(CLASSES))
        self.register_buffer("mean", torch.tensor(RGB.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(RGB.std).view(1, 3, 1, 1))
        self.loss = smp.losses.DiceLoss(smp.losses.MULTICLASS_MODE, ignore_index=255)
        self.counts: list[tuple[Tensor, ...]] = []

    def training_step(self, batch: Any, _: int) -> Tensor:
        """Dice loss of a batch (images, labels)."""
        images, labels = batch
        logits = self.model((images - self.mean) / self.std).contiguous()
        answers = logits.softmax(1).argmax(1)
        options = {"mode": "multiclass", "num_classes": len(CLASSES), "ignore_index": 255}
        self.counts.append(smp.metrics.get_stats(answers, labels, **options))
        return self.loss(logits, labels)

    def validation_step(self, batch: Any, index: int) -> None:
        """The same of images that validate."""
        self.training_step(batch, index)

    def on_train_epoch_end(self) -> None:
        """Log the mean IoU of the epoch."""
        counts = [torch.cat(each) for each in zip(*self.counts, strict=True)]
        self.counts.clear()
        self.log("iou", smp.metrics.iou_score(*counts, reduction="micro"))

    def configure_optimizers(self) -> Any:
        """Adam, and a learning rate that falls at each step."""
        optimizer = torch.optim.Adam(self.parameters(), 2e-4)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=1e-5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _trainer(folder: Path) -> Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(accelerator="cpu", max_epochs=-1, callbacks=[_Turns()], default_root_dir=folder, **quiet)


def _link_as_deepglobe(pairs: Path, root: Path) -> None:
    """Make the folders of pairs that torchgeo looks for."""
    for kind, ending in (("images", "_sat.jpg"), ("masks", "_mask.png")):
        folder = root / "data" / "training_data" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for path in pairs.glob(f"*{ending}"):
            with suppress(FileExistsError):  # another loop may be making them
                (folder / path.name).symlink_to(path)


if __name__ == "__main__":
    loop, pairs, net, *numbers = sys.argv[1:]
    size, batch_size, workers = map(int, numbers)
    train = {"torchgeo": train_with_torchgeo, "smp": train_with_smp}[loop]
    train(Path(pairs), net, size=size, batch_size=batch_size, workers=workers)
