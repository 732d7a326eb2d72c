"""Which images of a data set to show: the same ones, whatever was predicted for them."""

from collections.abc import Mapping

import numpy as np


def examples(class_pixels: Mapping[str, np.ndarray], count: int) -> list[str]:
    """Choose images that show all the classes, from their truth alone; names, sorted.

    One after the other that image is taken which adds most to the sum over the classes of the square root of how well
    the images so far show each: an image shows a class as well as its share of it is large, beside that of the image
    that has most of it. The root favours classes that are not shown yet, however rare they are.

    Args:
        class_pixels: Number of pixels of each class in the truth of each image: (C,) by name.
        count: How many; all of them, if there are no more.
    """
    names = sorted(class_pixels)
    pixels = np.array([class_pixels[name] for name in names], float)
    shares = pixels / np.maximum(pixels.sum(1, keepdims=True), 1)
    shares /= np.maximum(shares.max(0), np.finfo(float).tiny)
    chosen, shown = [], np.zeros(shares.shape[1])
    for _ in range(min(count, len(names))):
        gain = np.sqrt(shown + shares).sum(1)
        gain[chosen] = -1
        chosen.append(int(np.argmax(gain.round(9))))  # equals by name, also where rounding differs
        shown += shares[chosen[-1]]
    return [names[i] for i in sorted(chosen)]
