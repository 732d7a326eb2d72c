"""Pixels of an image as the page holds them: reduced to what a screen shows, compressed, as text."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from landcover.report.content import Labelled
from landcover.report.reduction import LONGEST, area_means, find_reduction, middles

_LEVEL = 8  # of deflate: 9 takes three times as long for 3 % less


@dataclass(frozen=True)
class Encoding:
    """How exactly a page holds images and confidence; labels are always exact.

    Attributes:
        webp: Options of Pillow's encoder of WebP.
        confidence_side: Longest side in pixels to which confidence is reduced.
        confidence_step: Of 255: what it is rounded to a multiple of.
    """

    webp: Mapping[str, Any]
    confidence_side: int
    confidence_step: int


EXACT = Encoding({"lossless": True}, LONGEST, 1)
"""Every pixel that is shown as it is."""

COMPACT = Encoding({"quality": 75}, 256, 5)
"""A fifth of the bytes: fine texture is a little softer; confidence, which varies smoothly, comes in steps of 2 %.

Quality 80 would take a fifth more, and finer confidence more room than all the rest.
"""


def reduced(labelled: Labelled) -> Labelled:
    """An image as the page shows it; what is reduced already stays as it is.

    Pixels of the image are means of areas. Labels and confidence are those of the pixel in the middle of each area, in
    all of them the same one: so what the page calls right or wrong is so, and thin classes do not vanish.
    """
    factor = find_reduction(*labelled.prediction.shape)
    if factor == 1 or labelled.reduction > 1:
        return labelled
    layers: dict[str, Any] = {
        key: middles(values, factor)
        for key in ("prediction", "truth", "other", "confidence")
        if (values := getattr(labelled, key)) is not None
    }
    image = None if labelled.image is None else area_means(labelled.image, factor)
    return replace(labelled, **layers, image=image, reduction=factor, size=labelled.prediction.shape)


def size_block(labelled: Labelled) -> dict[str, Any]:
    """What the page says of the size, the place and the layers of an image, which is `reduced`."""
    height, width = labelled.prediction.shape
    source_height, source_width = labelled.size or (height, width)
    layers = ("image", "truth", "prediction", "other", "confidence")
    return {
        "height": height,
        "width": width,
        "reduction": labelled.reduction,
        "source_height": source_height,
        "source_width": source_width,
        "degrees": labelled.degrees,
        "bands": labelled.bands,
        "has": {key: getattr(labelled, key) is not None for key in layers},
    }


def pixel_block(labelled: Labelled, encoding: Encoding) -> dict[str, Any]:
    """The pixels as plain types: a data URI of WebP, and deflated bytes in base64."""
    return {
        "image": None if labelled.image is None else _webp(labelled.image, encoding),
        "truth": _deflated(labelled.truth),
        "prediction": _deflated(labelled.prediction),
        "other": _deflated(labelled.other),
        "confidence": None if labelled.confidence is None else _confidence_block(labelled.confidence, encoding),
    }


def _webp(image: np.ndarray, encoding: Encoding) -> str:
    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, "WEBP", **encoding.webp)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _confidence_block(confidence: np.ndarray, encoding: Encoding) -> dict[str, Any]:
    factor, step = -(-max(confidence.shape) // encoding.confidence_side), encoding.confidence_step
    means = area_means(confidence[..., None], factor, confidence > 0)[..., 0]
    rounded = (means / step).round().astype(np.uint8) * np.uint8(step)
    values = np.where(means > 0, np.maximum(rounded, 1), np.uint8(0))  # only what has no data is 0
    return {"data": _deflated(values), "height": len(values), "width": values.shape[1], "reduction": factor}


def _deflated(values: np.ndarray | None) -> str | None:
    return None if values is None else base64.b64encode(zlib.compress(values.tobytes(), _LEVEL)).decode()
