"""What the images of a data set or of a model are: their bands, their pixel type, their statistics."""

from dataclasses import dataclass

COLOURS = ("red", "green", "blue")

PIXEL_TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""NumPy's names of the pixel types that images may have."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageSpec:
    """The bands of images, their pixel type, and the statistics by which networks normalise them.

    A network computes (pixel / `divisor` - mean) / std, in float32.

    Attributes:
        bands: Name of each of the B bands, such as ("red", "green", "blue"); no two are equal.
        dtype: Pixel type, one of `PIXEL_TYPES`.
        mean, std: Of each band, of pixels divided by `divisor`.
        low, high: Of each band, the percentiles 2 and 98 of the training pixels, in pixel values; None if not known.
    """

    bands: tuple[str, ...] = COLOURS
    dtype: str = "uint8"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    @property
    def divisor(self) -> float:
        """By which pixels are divided before all else: 255 for uint8, so that they lie in 0..1; 1 for other types."""
        return 255.0 if self.dtype == "uint8" else 1.0

    @property
    def is_rgb(self) -> bool:
        """Whether images are ordinary ones: red, green and blue of 8 bits."""
        return self.bands == COLOURS and self.dtype == "uint8"


RGB = ImageSpec()
"""Ordinary images, normalised as networks expect them that were trained on ImageNet."""
