"""Examples of a data set for a figure: which images to show, and how well each is predicted."""

from collections.abc import Mapping, Sequence

import numpy as np

from landcover.scoring.scores import Scores
from landcover.system.errors import printable


def examples(class_pixels: Mapping[str, np.ndarray], count: int, size: int | None = None) -> list[str]:
    """Choose images that show all classes; names, sorted. The same whatever was predicted for them.

    An image shows a class as well as its share of that class is large, compared with the image that has the largest
    share. Images are chosen one by one: the next is the one that adds most to the sum, over the classes, of the square
    root of how well the chosen images together show each. The root favours classes that are not shown yet, even rare
    ones.

    Args:
        class_pixels: Number of pixels of each class in the truth of each image: (C,) by name.
        count: How many images; all of them, if there are no more.
        size: Number of pixels of each image, of which shares are taken: where few pixels have a class, images with
            more of them are better examples. By default, each image's pixels of known class.
    """
    names = sorted(class_pixels)
    pixels = np.array([class_pixels[name] for name in names], float)
    shares = pixels / (size or np.maximum(pixels.sum(1, keepdims=True), 1))
    shares /= np.maximum(shares.max(0), np.finfo(float).tiny)
    shown = np.zeros(shares.shape[1])
    chosen: list[int] = []
    for _ in range(min(count, len(names))):
        gain = np.sqrt(shown + shares).sum(1)
        gain[chosen] = -1
        chosen.append(int(np.argmax(gain.round(9))))  # rounded: equals are chosen by name on any machine
        shown += shares[chosen[-1]]
    return [names[i] for i in sorted(chosen)]


def captions(scores: Scores) -> dict[str, str]:
    """Pixel accuracy of each image and its rank among all, in words, by name; from the best image to the worst."""
    accuracy = {name: scores.image_accuracy(name) for name in scores.per_image}
    ranked = sorted(accuracy, key=lambda name: (accuracy[name] is None, -(accuracy[name] or 0.0), name))
    return {
        name: "no pixel of known class"
        if accuracy[name] is None
        else f"pixel accuracy {accuracy[name]:.3f} ({rank} of {len(ranked)})"
        for rank, name in enumerate(ranked, 1)
    }


def titled(chosen: int | Sequence[str], scores: Scores, size: int | None = None) -> dict[str, str]:
    """Names of images to show, by their titles: name and caption.

    Args:
        chosen: The names, or how many: see `examples`.
        scores: Of all images.
        size: See `examples`.
    """
    names = examples(scores.truth_pixels(), chosen, size) if isinstance(chosen, int) else chosen
    caption = captions(scores)
    return {f"{printable(name)}\n{caption[name]}": name for name in names}
