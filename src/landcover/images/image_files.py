"""Image files, read and written by Pillow: images and colour masks of 8 bits per band."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from landcover.images.tiff_bands import OTHER_BANDS, check_tiff_bands, unknown_format
from landcover.system.errors import LandcoverError, naming_memory_errors, reason
from landcover.system.paths import check_readable

_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Of Pillow's formats those of ordinary images: readers of some others start programs."""
_WITH_EXTRAS = ("MPO", "TIFF")  # formats whose further images are previews and overviews of the first
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")

_PNG_STRATEGY = Image.RLE  # run lengths: the matches that zlib finds by default differ between implementations


class TooManyPixelsError(LandcoverError):
    """An image is too large to be read as a whole."""


def image_size(path: Path | str) -> tuple[int, int]:
    """(height, width) in pixels, from the file's header alone. Raises as `read_rgb` does."""
    with _opened(Path(path)) as image:
        return image.height, image.width


def read_rgb(path: Path | str) -> np.ndarray:
    """Decode an image or a colour mask as uint8 RGB (H, W, 3).

    Grey is repeated, palettes are looked up, alpha is dropped. Pixels stay where they are in the file, also if a camera
    noted (EXIF) that it was held sideways: a mask has no such note, and a map must fit the file's pixels.

    Raises:
        TooManyPixelsError: It is too large to be read as a whole.
        LandcoverError: The file is no image, an animation, cut short, or has more than 8 bits per band.
    """
    path = Path(path)
    with naming_memory_errors(path):
        return np.asarray(_decoded(path))


def read_packed(path: Path | str) -> np.ndarray:
    """Decode a colour mask as uint32 (H, W), packed as by `colours.pack`. Raises as `read_rgb` does."""
    path = Path(path)
    with naming_memory_errors(path):
        image = _decoded(path)
        # Pillow holds a pixel in four bytes, of which the last is for padding: copied as they are, they are packed.
        pixels = np.frombuffer(image.tobytes("raw", "RGBX"), "<u4") & 0xFFFFFF
        return pixels.reshape(image.height, image.width)


def save_png(pixels: np.ndarray, path: Path | str) -> None:
    """Write uint8 RGB (H, W, 3), or grey (H, W), as a PNG of the same bytes on every machine."""
    Image.fromarray(pixels).save(path, format="png", compress_type=_PNG_STRATEGY)


def save_palette_png(labels: np.ndarray, palette: np.ndarray, path: Path | str) -> None:
    """Write labels in the colours of their classes as a PNG, of the same bytes on every machine.

    A pixel takes one byte, its label, of which readers of images make the colour. That takes a fifth of the time and
    half of the room of RGB.

    Args:
        labels: uint8 (H, W).
        palette: The colour of each label, uint8 RGB (256, 3).
        path: Of the file.
    """
    image = Image.fromarray(labels)
    image.putpalette(palette.tobytes())
    image.save(path, format="png", compress_type=_PNG_STRATEGY)


def _opened(path: Path) -> Image.Image:
    with _errors(path, "not readable as an image"):
        check_readable(path)
        image = Image.open(path, formats=_FORMATS)
        animated = getattr(image, "is_animated", False) and image.format not in _WITH_EXTRAS
    if animated:
        image.close()
        raise LandcoverError(f"{path}: several images in one file, an animation. Save one of them alone.")
    if isinstance(image, TiffImageFile):
        check_tiff_bands(path, image.tag_v2)
    is_deep = any(";16" in str(tile.args) for tile in image.tile)  # Pillow would silently cut such RGB to 8 bits
    if is_deep or image.mode not in _EIGHT_BIT_MODES:
        kind = "16 bits" if is_deep else image.mode
        advice = f"; {OTHER_BANDS}" if isinstance(image, TiffImageFile) else ""
        image.close()
        raise LandcoverError(f"{path}: pixels of type {kind}, not 8 bits per band. Convert it to 8-bit RGB{advice}.")
    return image


def _decoded(path: Path) -> Image.Image:
    with _opened(path) as image, _errors(path, "not readable to its end"):
        image.load()
        return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def _errors(path: Path, problem: str) -> Iterator[None]:
    """Turn whatever Pillow raises about a file into a LandcoverError, except a MemoryError."""
    try:
        yield
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise TooManyPixelsError(
            f"{path}: more than {most} million pixels, too many to be read as a whole. "
            "Cut it into smaller images; landcover predict and evaluate also take a GeoTIFF of any size."
        ) from error
    except Exception as error:  # damaged bytes make the readers raise anything
        cause = unknown_format(path) if isinstance(error, UnidentifiedImageError) else reason(error)
        raise LandcoverError(f"{path}: {problem} ({cause}). Replace or remove it.") from error
