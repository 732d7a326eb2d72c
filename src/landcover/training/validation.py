"""Loss and scores of a network on the validation tiles, after each epoch."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from landcover.data.tiles import Tiles
from landcover.images.image_spec import ImageSpec
from landcover.models.collapse import DominantClass
from landcover.models.networks import Network
from landcover.scoring.confusion import class_iou, confusion_matrix, known_pairs, mean, pixel_accuracy
from landcover.system.processes import Processes
from landcover.training.batches import pixel_type
from landcover.training.losses import Criterion


@torch.inference_mode()
def validate(
    network: Network, tiles: Tiles, criterion: Criterion, pixels: int, device: torch.device, processes: Processes
) -> tuple[dict[str, float | None], DominantClass | None]:
    """Compute `validation_loss`, `tile_accuracy` and `tile_mean_iou` of a network over all labelled pixels.

    Processes share the work and sum their counts. The results are those of a single process, except for the rounding
    of the loss.

    Args:
        network: In evaluation mode, on `device`.
        pixels: Approximate number of pixels per batch.

    Returns:
        The three figures, and the class that is predicted most often. All are None if no pixel is labelled.
    """
    classes = len(criterion.class_weights)
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    totals_and_counts = torch.zeros(2, len(criterion), dtype=torch.float64)
    for images, labels in _batches(tiles, network.images, pixels, processes):
        inputs, targets = network.to_input(images), labels.to(device).long()
        logits = network(inputs)
        predicted = logits.max(1).indices.to(torch.uint8)
        totals = criterion.totals(logits, targets, Processes()), criterion.counts(targets)
        totals_and_counts += torch.stack(totals).double().cpu()
        counts = confusion_matrix(labels.numpy(), predicted.cpu().numpy(), classes)
        confusion += torch.from_numpy(known_pairs(counts))
    totals, counts = processes.all_reduce(totals_and_counts.to(_home(device)))
    counted = processes.all_reduce(confusion.to(_home(device))).cpu().numpy()
    loss = criterion.value(totals, counts).item() if counted.any() else None
    scores = {"tile_accuracy": pixel_accuracy(counted), "tile_mean_iou": mean(class_iou(counted))}
    return {"validation_loss": loss, **scores}, DominantClass.of(counted)


def _home(device: torch.device) -> torch.device:
    """Where processes exchange tensors: their GPUs, or the CPU (mps has no float64)."""
    return device if device.type == "cuda" else torch.device("cpu")


def _batches(tiles: Tiles, images: ImageSpec, pixels: int, processes: Processes) -> Iterator[tuple[Tensor, Tensor]]:
    """This process's share of the tiles in batches, less the padding common to a batch.

    Yields:
        Images (N, H, W, B), see `batches.pixel_type`; and labels uint8 (N, H, W).
    """
    count = max(1, pixels // tiles.labels[0].size)
    extent = tiles.table[["height", "width"]].to_numpy()
    for start in processes.shard(range(0, len(tiles.labels), count)):
        height, width = extent[start : start + count].max(0)
        window = np.s_[start : start + count, :height, :width]
        batch = tiles.images[window].astype(pixel_type(images))
        for tile, (rows, columns) in zip(batch, extent[start : start + count], strict=True):
            tile[rows:], tile[:, columns:] = images.filler, images.filler
        yield torch.from_numpy(batch), torch.from_numpy(tiles.labels[window].copy())
