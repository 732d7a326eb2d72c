"""Images in memory: the check that an array is an image, with advice on how to convert what is not."""

from typing import Any

import numpy as np
from PIL import Image

from landcover.system.errors import LandcoverError

_ADVICE = {"torch": "image.cpu().numpy() makes it one; put the bands last"}
"""How to make an array, by the package of the object's type."""


def check_rgb(image: Any) -> None:
    """Return if an image is a NumPy array of uint8 (H, W, 3), neither H nor W 0.

    Nothing is converted: a guess, such as whether floats reach to 1 or to 255, could be silently wrong.

    Raises:
        LandcoverError: It is something else; the message says what, and how to convert it.
    """
    if problem := _problem_of(image):
        raise LandcoverError(f"{problem}; expected is a NumPy array of uint8 (H, W, 3): red, green, blue, 0 to 255.")


def _problem_of(image: Any) -> str | None:
    """What an image is instead of uint8 (H, W, 3), and how to convert it; None if it is that."""
    if isinstance(image, Image.Image):
        size = f"{image.width}x{image.height}"
        return f"image: a PIL image of mode {image.mode}, {size} (np.asarray(image.convert('RGB')) makes it one)"
    if not isinstance(image, np.ndarray):
        return (
            f"image: {describe(image)} ({_ADVICE.get(type(image).__module__.split('.')[0], 'np.asarray makes it one')})"
        )
    steps = []
    if isinstance(image, np.ma.MaskedArray):
        steps.append("fill its masked pixels: image.filled(0)")
    if image.ndim == 3 and image.shape[2] != 3 and image.shape[0] == 3:
        steps.append("put the bands last: np.moveaxis(image, 0, -1)")
    elif image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        steps.append("repeat grey three times: np.stack([grey] * 3, -1)")
    elif image.ndim == 3 and image.shape[2] > 3:
        steps.append("choose red, green and blue: image[..., [0, 1, 2]] of RGBA")
    elif image.ndim == 4:
        steps.append("give the images one by one: image[0]")
    elif image.ndim != 3 or image.shape[2] != 3:
        steps.append("give three bands, the last axis")
    elif not image.size:
        steps.append("there are no pixels")
    if image.dtype != np.uint8:
        steps.append(_scaling(image))
    return f"image: {describe(image)} ({'; '.join(steps)})" if steps else None


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
