"""Whether the values of an image are such as a model was trained on: no network tells that it was given other units."""

from collections.abc import Sequence

import numpy as np

from landcover.images.image_spec import ImageSpec

_NARROW = 0.01  # share of the range of training


def unusual_values(samples: Sequence[np.ndarray], images: ImageSpec) -> str | None:
    """Say what is unusual about the values of an image, for a warning.

    That is a band of which more than half of the values lie outside the model's range, from the percentile 2 to the
    percentile 98 of the training pixels, extended by its own width on both sides; or, in all bands, percentiles 2 and
    98 that are closer together than a hundredth of that range, as those of reflectances of 0 to 1 are where the model
    was trained on 0 to 10000. An unusual scene lies within, another unit outside.

    Args:
        samples: Of each band, pixels that have data (N,).
        images: What the model takes.

    Returns:
        None if nothing is unusual, or nothing is known: of pixels of 8 bits, of models without `low` and `high`.
    """
    if images.dtype == "uint8" or images.low is None or images.high is None or not all(map(len, samples)):
        return None
    narrow = []
    for name, values, low, high in zip(images.bands, samples, images.low, images.high, strict=True):
        start, median, end = np.percentile(values.astype(np.float64), [2, 50, 98])
        width = high - low
        if not low - width <= median <= high + width:
            return f"of its band {name}, the median is {median:.4g}"
        if end - start < _NARROW * width:
            narrow.append(f"its values hardly vary, in its band {name} from {start:.4g} to {end:.4g}")
    return narrow[0] if len(narrow) == len(samples) else None


def warning_of_values(name: object, samples: Sequence[np.ndarray], images: ImageSpec) -> str | None:
    """A warning of unusual values, or None. Arguments as for `unusual_values`, and the image's name."""
    if images.low is None or images.high is None or not (what := unusual_values(samples, images)):
        return None
    ranges = (
        f"{band} {low:.4g} to {high:.4g}" for band, low, high in zip(images.bands, images.low, images.high, strict=True)
    )
    return (
        f"{name}: {what}; the model was trained on {', '.join(ranges)}, so check the map. Give images in the same "
        "units, or stretch their values (--stretch image)"
    )
