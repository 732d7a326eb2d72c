"""Training and labelling as an ordinary program does it, and as ours does, for comparison."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.images import CLASSES
from landcover.data.preparation import prepare
from landcover.data.tiles import Tiles
from landcover.images.pairs import find_samples
from landcover.models.model_file import Model
from landcover.models.networks import Architecture, Network, build
from landcover.system.devices import find_dtype
from landcover.system.processes import Processes
from landcover.training.losses import Criterion
from landcover.training.recipe import Recipe
from landcover.training.trainer import Trainer
from stages.common.params import read_block

CPU = torch.device("cpu")


def network(model: str, backbone: str) -> Network:
    """An untrained network, the same each time."""
    torch.manual_seed(0)
    return build(Architecture(model, backbone), len(CLASSES))


def labelling_model(name: str, backbone: str) -> Model:
    """An untrained model that is ready to label."""
    net = network(name, backbone).eval().to(memory_format=torch.channels_last)
    return Model(net, CLASSES, 1.0)


def prepared(pairs: Path, folder: Path, tile: int = 512) -> Tiles:
    """Tiles of the pairs of a folder."""
    prepare(find_samples(pairs), CLASSES, folder, tile=tile, scale=1.0, max_off_palette=1.0)
    return Tiles.open(folder, CLASSES)


def steps_of_the_stage(
    net: Network,
    tiles: Tiles,
    validation: Tiles,
    *,
    size: int,
    batch_size: int,
    steps: int,
    device: torch.device = CPU,
    **changes: object,
) -> Callable[[], object]:
    """A task of `steps` steps as the stage `train` takes them, by default but for `changes` of its parameters."""
    recipe = read_block("train", Recipe).model_copy(
        update={"crop": size, "batch_size": batch_size, "steps": steps, "epochs": 1000, "log_every": 0, **changes}
    )
    rows = Trainer(net, tiles, CLASSES, recipe, device).run(validation)
    return lambda: next(rows)


def bare_steps(
    net: Network,
    *,
    size: int,
    batch_size: int,
    steps: int,
    memory_format: torch.memory_format = torch.channels_last,
    device: torch.device = CPU,
    precision: str = "fp32",
    **adamw: bool,
) -> Callable[[], None]:
    """A task of `steps` steps on one batch that is in memory as the network wants it: the limit.

    Args:
        precision: Name of one of `devices.PRECISIONS`.
        adamw: Options of PyTorch's optimiser.
    """
    params = read_block("train", Recipe)
    net = net.to(device, memory_format=memory_format).train()
    images = torch.rand(batch_size, 3, size, size).to(device, memory_format=memory_format)
    labels = torch.randint(len(CLASSES), (batch_size, size, size)).to(device)
    criterion = Criterion(params.loss, torch.ones(len(CLASSES))).to(device)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-4, weight_decay=params.weight_decay, **adamw)

    def task() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            with torch.autocast(device.type, find_dtype(precision), enabled=precision != "fp32"):
                logits = net(images).float()
            criterion(logits, labels, criterion.counts(labels), Processes()).backward()
            optimizer.step()

    return task


class OrdinaryDataset(Dataset):
    """Decodes image and colour mask anew for each example."""

    def __init__(self, images: list[Path], size: int) -> None:
        self._images, self._size = images, size

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        image = np.asarray(Image.open(self._images[i]).convert("RGB"))
        name = self._images[i].name.replace("_sat.jpg", "_mask.png")
        mask = np.asarray(Image.open(self._images[i].with_name(name)).convert("RGB"))
        labels = np.full(mask.shape[:2], 255, np.int64)
        for label, colour in enumerate(CLASSES.colours.values()):
            labels[(mask == colour).all(-1)] = label
        row, column = np.random.randint(0, np.array(labels.shape) - self._size + 1)
        window = np.s_[row : row + self._size, column : column + self._size]
        image, labels = image[window], labels[window]
        if np.random.rand() < 0.5:
            image, labels = image[:, ::-1], labels[:, ::-1]
        return torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255, torch.from_numpy(labels.copy())


def ordinary_steps(net: Network, images: list[Path], *, size: int, batch_size: int, steps: int) -> Callable[[], None]:
    """A task of `steps` steps the ordinary way: a DataLoader, NCHW, Adam, cross-entropy, default settings."""
    loader = DataLoader(OrdinaryDataset(images, size), batch_size, shuffle=True, drop_last=True)
    optimizer = torch.optim.Adam(net.train().parameters(), 1e-4)
    loss = nn.CrossEntropyLoss(ignore_index=255)

    def endless() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from loader

    batches = endless()

    def task() -> None:
        for _ in range(steps):
            pixels, labels = next(batches)
            optimizer.zero_grad()
            loss(net(pixels), labels).backward()
            optimizer.step()

    return task
