"""Images in memory: the check that an array is an image as a model takes it, with advice on how to convert others."""

from typing import Any

import numpy as np
from PIL import Image

from landcover.images.image_spec import PIXEL_TYPES, RGB, ImageSpec
from landcover.system.errors import LandcoverError

_ADVICE = {"torch": "image.cpu().numpy() makes it one; put the bands last"}
"""How to make an array, by the package of the object's type."""


def check_image(image: Any, images: ImageSpec = RGB) -> None:
    """Return if an image is a NumPy array (H, W, B) of a model's bands, neither H nor W 0.

    Its type is uint8 if that is the model's; else any other of `PIXEL_TYPES`, in the units of the training images.
    Nothing is converted: a guess, such as whether floats reach to 1 or to 255, could be silently wrong.

    Args:
        image: Any object.
        images: What the model takes.

    Raises:
        LandcoverError: It is something else; the message says what, and how to convert it.
    """
    if problem := _problem_of(image, images):
        raise LandcoverError(f"{problem}; expected is a NumPy array of {_expected(images)}.")


def _expected(images: ImageSpec) -> str:
    bands = f"(H, W, {len(images.bands)}): {', '.join(images.bands)}"
    if images.dtype == "uint8":
        return f"uint8 {bands}, 0 to 255"
    return f"{images.dtype} {bands}, in the units of the training images"


def _problem_of(image: Any, images: ImageSpec) -> str | None:
    """What an image is instead of what a model takes, and how to convert it; None if it is that."""
    if isinstance(image, Image.Image):
        size = f"{image.width}x{image.height}"
        advice = " (np.asarray(image.convert('RGB')) makes it one)" if images.is_rgb else ""
        return f"image: a PIL image of mode {image.mode}, {size}{advice}"
    if not isinstance(image, np.ndarray):
        return (
            f"image: {describe(image)} ({_ADVICE.get(type(image).__module__.split('.')[0], 'np.asarray makes it one')})"
        )
    steps = []
    if isinstance(image, np.ma.MaskedArray):
        steps.append("fill its masked pixels: image.filled(0)")
    if wrong := _shape_advice(image, images):
        steps.append(wrong)
    is_8_bit = images.dtype == "uint8"
    if is_8_bit and image.dtype != np.uint8:
        steps.append(_scaling(image))
    elif not is_8_bit and image.dtype == np.uint8:
        steps.append("convert it to the units of the training images")
    elif image.dtype.name not in PIXEL_TYPES or not image.dtype.isnative:
        steps.append(f"image.astype(np.{images.dtype})")
    return f"image: {describe(image)} ({'; '.join(steps)})" if steps else None


def _shape_advice(image: np.ndarray, images: ImageSpec) -> str | None:
    """How to convert an array to (H, W, B); None if it is that."""
    count = len(images.bands)
    if image.ndim == 3 and image.shape[2] != count and image.shape[0] == count:
        return "put the bands last: np.moveaxis(image, 0, -1)"
    if image.ndim == 2 and count == 1:
        return "give it an axis of bands: image[..., None]"
    if images.is_rgb and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1)):
        return "repeat grey three times: np.stack([grey] * 3, -1)"
    if image.ndim == 3 and image.shape[2] > count:
        if images.is_rgb:
            return "choose red, green and blue: image[..., [0, 1, 2]] of RGBA"
        return f"choose {count}: image[..., [0, ...]]"
    if image.ndim == 4:
        return "give the images one by one: image[0]"
    if image.ndim != 3 or image.shape[2] != count:
        return f"give {'three' if count == 3 else count} bands, the last axis"
    return None if image.size else "there are no pixels"


def _scaling(image: np.ndarray) -> str:
    """How to convert an array of another type to uint8, as its values suggest."""
    if image.dtype.kind == "b":
        return "make 0 and 255 of false and true: np.uint8(image) * 255"
    if image.dtype.kind not in "iuf" or not image.size:
        return "make it uint8"
    low, high = image.min(), image.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        return "replace what is not a number, then scale to 0 to 255 and round to uint8"
    if image.dtype.kind == "f" and low >= 0 and high <= 1:
        return "scale 0..1 to 0..255: np.uint8((image * 255).round())"
    if low >= 0 and high <= 255:
        return "round to uint8: np.uint8(image.round())" if image.dtype.kind == "f" else "np.uint8(image)"
    return "scale it to 0 to 255 as the images were that the model was trained on"


def describe(image: Any) -> str:
    """Type, shape and range of values of an object, in words."""
    if isinstance(image, np.ndarray):
        kind = f"{type(image).__name__} of {image.dtype} {image.shape}"
        if image.size and image.dtype.kind in "iuf":
            kind += f", values {image.min():.6g} to {image.max():.6g}"
        return kind
    if hasattr(image, "shape") and hasattr(image, "dtype"):
        return f"{type(image).__module__.split('.')[0]}.{type(image).__name__} of {image.dtype} {tuple(image.shape)}"
    return f"a {type(image).__name__}"
