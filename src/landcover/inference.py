"""Label pictures with a trained model."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from landcover.files import replacing
from landcover.model_file import Model
from landcover.parallel import parallel_map
from landcover.samples import read_rgb, save_png, scale_down

TTA = {"none": 1, "flip": 2, "d4": 8}
"""Test-time augmentation: how many views of a picture are averaged (itself; and mirrored; all eight symmetries)."""


def predict_masks(model: Model, images: Mapping[str, Path], folder: Path, tta: str = "none") -> None:
    """Write the colour mask `folder/NAME_mask.png` of each picture by NAME; pictures are read ahead.

    Raises:
        LandcoverError: A picture cannot be read.
    """
    pictures = tqdm(parallel_map(read_rgb, images.values()), "predict", len(images), unit=" pictures", disable=None)
    for name, picture in zip(images, pictures, strict=True):
        with replacing(folder / f"{name}_mask.png") as scratch:
            save_png(model.classes.encode(label_image(model, picture, tta)), scratch)


@torch.inference_mode()
def label_image(model: Model, image: np.ndarray, tta: str = "none") -> np.ndarray:
    """The most probable class of every pixel of a picture of any size.

    The picture is scaled to the model's working resolution, the result upsampled bilinearly to full size, and only then
    the class chosen.

    Args:
        image: uint8 RGB (H, W, 3) at source resolution.
        tta: One of `TTA`; class probabilities are averaged over the views.

    Returns:
        uint8 (H, W) of indices into `model.classes.names`.
    """
    device = next(model.network.parameters()).device
    scaled = scale_down(image, model.scale)
    batch = torch.from_numpy(scaled.copy()).to(device).permute(2, 0, 1)[None].float() / 255
    scores = _scores(model.network, batch, TTA[tta])
    if scaled.shape != image.shape:
        scores = functional.interpolate(scores, image.shape[:2], mode="bilinear", align_corners=False)
    return scores.argmax(1)[0].to(torch.uint8).cpu().numpy()


def _scores(network: nn.Module, batch: Tensor, views: int) -> Tensor:
    """Logits of one view, or the mean probabilities of the first `views` symmetries: float32 (N, C, H, W)."""
    if views == 1:
        return network(batch)
    total = 0
    for view in range(views):
        mirrored, turns = view % 2, view // 2
        seen = torch.rot90(batch.flip(3) if mirrored else batch, turns, (2, 3))
        probabilities = torch.rot90(network(seen).softmax(1), -turns, (2, 3))
        total = total + (probabilities.flip(3) if mirrored else probabilities)
    return total / views
