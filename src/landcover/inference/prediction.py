"""Label images with a trained model."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from landcover.classes.class_table import UNKNOWN
from landcover.inference.options import DEFAULTS, InferenceOptions
from landcover.inference.passes import one_thread
from landcover.inference.probabilities import score_strips
from landcover.inference.regions import Region
from landcover.inference.strips import ArrayStrips, ScaledStrips, StripReader
from landcover.inference.upsampling import CHUNK, source_region, upsample_strips
from landcover.inference.views import View, views_of
from landcover.models.folding import fold_batch_norm
from landcover.models.model_file import Model
from landcover.system.errors import LandcoverError


def for_inference(model: Model, device: torch.device) -> Model:
    """Return the model with batch norms folded, on `device`: what labels fastest.

    The network is changed in place: use the returned model only.
    """
    return replace(model, network=fold_batch_norm(model.network).to(device))


def label_image(
    model: Model,
    image: np.ndarray,
    options: InferenceOptions = DEFAULTS,
    *,
    probabilities: Callable[[np.ndarray], None] | None = None,
    confidence: Callable[[np.ndarray], None] | None = None,
) -> np.ndarray:
    """Return the most probable class of each pixel of an image in memory: the strips of `label_strips` as one array.

    Args:
        model: Its network computes on the device that it is on.
        image: (H, W, B) at source resolution, as the model takes it: see `strips.ArrayStrips`.
        options: Windows and views.
        probabilities, confidence: See `label_strips`.

    Returns:
        uint8 (H, W): indices into `model.classes.names`, `UNKNOWN` where a band is not a finite number.

    Raises:
        LandcoverError: The image is something else; it is not converted.
    """
    strips = ArrayStrips(image, model.images)
    return np.concatenate(
        list(label_strips(model, strips, options, probabilities=probabilities, confidence=confidence))
    )


def label_strips(
    model: Model,
    image: StripReader,
    options: InferenceOptions = DEFAULTS,
    *,
    region: Region | None = None,
    probabilities: Callable[[np.ndarray], None] | None = None,
    confidence: Callable[[np.ndarray], None] | None = None,
) -> Iterator[np.ndarray]:
    """Yield the most probable class of each pixel of an image of any size, or of a region of it, strip by strip.

    The image is scaled to the model's working resolution and labelled in overlapping windows, whose class
    probabilities are blended and then upsampled bilinearly to the size of the image; the class is chosen last. Memory
    holds one strip of windows: it grows with the width of the region, hardly with its height.

    The pixels of a region are equal to the bit to those of the whole image, with PyTorch at the same number of threads:
    they come from the windows of the whole image that have a weight in it, and no others are read or computed. At a
    `batch_size` above 1 some windows are computed repeatedly to that end, as PyTorch rounds by the size of a batch: on
    each row of windows, fewer than `batch_size`.

    Args:
        model: Its network computes on the device that it is on.
        image: At source resolution, in the bands and units of `model.images`.
        options: Windows and views, and the engine.
        region: The pixels of the image that are labelled; None for all.
        probabilities: Called with the class probabilities of each strip before its labels are yielded: float32
            (C, rows, W), NaN where the image has no data. The array is reused for the next strip: copy it to keep it.
        confidence: Called with the probability of the class of each pixel of a strip before its labels are yielded:
            uint8 (rows, W), 255 for a probability of 1, 0 where the image has no data. The labels are the same without
            it.

    Raises:
        LandcoverError: The class probabilities are not finite, because the weights are too large.
        ValueError: The region reaches beyond the image.

    Yields:
        uint8 (rows, W) from the top down, as many rows in all as the region has: indices into `model.classes.names`,
        `UNKNOWN` where the image has no data.
    """
    region = region or Region.whole(image)
    region.check_within(image)
    scaled = ScaledStrips(image, model.scale)
    working_size, full_size = ((pixels.height, pixels.width) for pixels in (scaled, image))
    is_single = max(working_size) <= options.window
    as_logits = is_single and views_of(options) == [View()] and working_size == full_size and not probabilities
    # Logits of the only window are cut last: what becomes of them may be rounded differently if they are fewer.
    needed = None if as_logits else source_region(region, working_size, full_size)
    inside = region.inside if as_logits else (slice(None), slice(None))
    scores = score_strips(model.network, scaled, options, region=needed, as_logits=as_logits)
    top = region.top
    for strip in scores if as_logits else upsample_strips(scores, working_size, full_size, region):
        total, best = _best_class(strip)
        if not total.isfinite():
            raise LandcoverError(
                f"{model.path or 'model'}: class probabilities are not finite numbers. Train it again."
            )
        labels = best[inside].cpu().numpy()
        valid = image.valid_mask(top, top + len(labels), region.left, region.right)
        if valid is not None:
            labels[~valid] = UNKNOWN
        if confidence:
            with one_thread():  # the same bits with any number
                sure = _confidence(strip, as_logits)[inside].cpu().numpy()
            confidence(sure if valid is None else np.where(valid, sure, np.uint8(0)))
        if probabilities:
            values = strip.cpu().numpy()
            probabilities(values if valid is None else np.where(valid, values, np.float32(np.nan)))
        top += len(labels)
        yield labels


def _best_class(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the maxima over the classes, float64, and the first class that has each, uint8 (H, W).

    On a CPU this is four times as fast as `max`. It works chunk by chunk, as it takes memory in addition to the scores.

    Args:
        scores: float32 (C, H, W).
    """
    rows = max(1, CHUNK // scores.shape[2])
    total = scores.new_zeros((), dtype=torch.float64)
    labels = torch.zeros_like(scores[0], dtype=torch.uint8, memory_format=torch.contiguous_format)
    for part, chosen in zip(torch.split(scores, rows, 1), torch.split(labels, rows, 0), strict=True):
        best = part[0].clone()
        for label, score in enumerate(part[1:], 1):
            is_better = score > best
            torch.maximum(best, score, out=best)
            torch.maximum(chosen, is_better.view(torch.uint8) * label, out=chosen)  # a later class: a larger number
        total += best.sum(dtype=torch.float64)
    return total, labels


def _confidence(scores: Tensor, are_logits: bool) -> Tensor:
    """Return the largest probability of each pixel as 8 bits hold it: uint8 (H, W) in 1..255, 255 for 1.

    It works chunk by chunk, as `_best_class` does.

    Args:
        scores: float32 (C, H, W).
        are_logits: Whether they are logits, not probabilities.
    """
    rows = max(1, CHUNK // scores.shape[2])
    confidence = torch.empty_like(scores[0], dtype=torch.uint8, memory_format=torch.contiguous_format)
    for part, chosen in zip(torch.split(scores, rows, 1), torch.split(confidence, rows, 0), strict=True):
        best = part.amax(0)
        probability = (part - best).exp().sum(0).reciprocal() if are_logits else best
        chosen.copy_((probability * 255).round().clamp(1, 255))  # blended ones may add up to a little more than 1
    return confidence
