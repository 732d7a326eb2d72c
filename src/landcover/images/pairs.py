"""Images with their colour masks: matched by name, read, written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from landcover.images.tiff_bands import check_tiff_bands, unknown_format
from landcover.system.errors import LandcoverError, naming_memory_errors, reason
from landcover.system.paths import check_readable

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
MASK_SUFFIXES = (".png", ".tif", ".tiff")  # no JPEG: its artefacts are colours of no class
_FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""Of Pillow's, those of usual images: some of the others start programs."""
_WITH_EXTRAS = ("MPO", "TIFF")  # whose further images are previews and overviews of the first one
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")

_PNG_STRATEGY = Image.RLE  # how zlib's default finds matches is up to the implementation; run lengths are not

Found = TypeVar("Found")


class TooManyPixelsError(LandcoverError):
    """An image is too large to be read as a whole."""


@dataclass(frozen=True)
class Sample:
    """An image `NAME_sat.EXT` and its colour mask `NAME_mask.png`."""

    name: str
    image: Path
    mask: Path


def find_images(folder: Path | str) -> dict[str, Path]:
    """Images `NAME_sat.EXT` of a folder by NAME, sorted.

    Raises:
        LandcoverError: No such folder, no image in it, or two images of one name.
    """
    return _or_raise(*_find(folder, "_sat", IMAGE_SUFFIXES))


def find_masks(folder: Path | str, plain: bool = False) -> dict[str, Path]:
    """Colour masks `NAME_mask.png` (or .tif) of a folder by NAME, sorted. Raises as `find_images` does.

    Args:
        plain: In a folder where no file is called `NAME_mask` or `NAME_sat`, any `NAME.png` is a mask.
    """
    folder = Path(folder)
    if plain and folder.is_dir():
        stems = [path.stem for path in _files(folder, MASK_SUFFIXES)]
        if stems and not any(stem.endswith(("_mask", "_sat")) for stem in stems):
            return _or_raise(*_find(folder, "", MASK_SUFFIXES))
    return _or_raise(*_find(folder, "_mask", MASK_SUFFIXES))


def find_samples(folder: Path | str) -> list[Sample]:
    """All pairs of a folder, sorted by name.

    Raises:
        LandcoverError: As `find_pairs`; or the lines that it finds.
    """
    return _or_raise(*find_pairs(folder))


def find_pairs(folder: Path | str) -> tuple[list[Sample], list[str]]:
    """The pairs of a folder, sorted by name; and a line for each file without a partner or with the name of another.

    Raises:
        LandcoverError: No such folder, or no image or no mask in it.
    """
    (images, twins), (masks, more_twins) = _find(folder, "_sat", IMAGE_SUFFIXES), _find(folder, "_mask", MASK_SUFFIXES)
    lonely = [
        f"{ours[name]}: no {partner.format(name)} beside it. Add or remove one."
        for ours, theirs, partner in (
            (images, masks, "mask {}_mask.png"),
            (masks, images, "image {}_sat.jpg, .png or .tif"),
        )
        for name in ours
        if name not in theirs
    ]
    samples = [Sample(name, images[name], masks[name]) for name in images if name in masks]
    return samples, [*twins, *more_twins, *lonely]


def image_size(path: Path | str) -> tuple[int, int]:
    """(height, width) in pixels, from the file's header alone. Raises as `read_rgb` does."""
    with _opened(path) as image:
        return image.height, image.width


def read_rgb(path: Path | str) -> np.ndarray:
    """Decode an image or a colour mask as uint8 RGB (H, W, 3).

    Grey is repeated, palettes are looked up, alpha is dropped. Pixels stay where they are in the file, also if a camera
    noted (EXIF) that it was held sideways: a mask has no such note, and a map must fit the file's pixels.

    Raises:
        TooManyPixelsError: It is too large to be read as a whole.
        LandcoverError: The file is no image, an animation, cut short, or has more than 8 bits a channel.
    """
    with naming_memory_errors(path):
        return np.asarray(_decoded(path))


def read_packed(path: Path | str) -> np.ndarray:
    """Decode a colour mask as uint32 (H, W), each pixel as `classes.pack` has it. Raises as `read_rgb` does."""
    with naming_memory_errors(path):
        image = _decoded(path)
        # Pillow holds a pixel in four bytes, of which the last is for padding: copied as they are, they are packed.
        pixels = np.frombuffer(image.tobytes("raw", "RGBX"), "<u4") & 0xFFFFFF
        return pixels.reshape(image.height, image.width)


def scale_down(rgb: np.ndarray, scale: float) -> np.ndarray:
    """An image, uint8 RGB (H, W, 3), at working resolution: each pixel the mean of the area that it stands for."""
    height, width = scaled_size(rgb.shape[:2], scale)
    if (height, width) == rgb.shape[:2]:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) of an image of `size` at working resolution `scale`: rounded, at least one pixel."""
    return tuple(max(1, round(length * scale)) for length in size)


def save_png(rgb: np.ndarray, path: Path | str) -> None:
    """Write uint8 RGB (H, W, 3) as a PNG of the same bytes on every machine."""
    Image.fromarray(rgb).save(path, format="png", compress_type=_PNG_STRATEGY)


def _or_raise(found: Found, problems: list[str]) -> Found:
    if problems:
        raise LandcoverError(*problems)
    return found


def _find(folder: Path | str, ending: str, suffixes: tuple[str, ...]) -> tuple[dict[str, Path], list[str]]:
    """Files `NAME + ending + suffix` of a folder by NAME, sorted; and a line for each further one of the same NAME."""
    folder = Path(folder)
    if not folder.is_dir():
        raise LandcoverError(
            f"{folder}: no such folder. Put NAME_sat.jpg and NAME_mask.png there, or name another "
            "(in the pipeline: data.root)."
        )
    found, twins = {}, []
    for path in _files(folder, suffixes):
        if path.stem.endswith(ending):
            first = found.setdefault(path.stem.removesuffix(ending), path)
            if first != path:
                twins.append(f"{path}: {first.name} has the same name. Remove or rename one of them.")
    if not found:
        patterns = ", ".join(f"NAME{ending}{suffix}" for suffix in suffixes)
        raise LandcoverError(f"{folder}: no {patterns} in it. Add some, or name another (in the pipeline: data.root).")
    return found, twins


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]


def _opened(path: Path | str) -> Image.Image:
    with _errors(path, "not readable as an image"):
        check_readable(path)
        image = Image.open(path, formats=_FORMATS)
        animated = getattr(image, "is_animated", False) and image.format not in _WITH_EXTRAS
    if animated:
        image.close()
        raise LandcoverError(f"{path}: several images in one file, an animation. Save one of them alone.")
    if image.format == "TIFF":
        check_tiff_bands(path, image.tag_v2)
    deep = any(";16" in str(tile.args) for tile in image.tile)  # such RGB would be cut to 8 bits without a word
    if deep or image.mode not in _EIGHT_BIT_MODES:
        kind = "16 bits" if deep else image.mode
        image.close()
        raise LandcoverError(f"{path}: pixels of type {kind}, not 8 bits a channel. Convert it to 8-bit RGB.")
    return image


def _decoded(path: Path) -> Image.Image:
    with _opened(path) as image, _errors(path, "not readable to its end"):
        image.load()
        return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def _errors(path: Path, problem: str) -> Iterator[None]:
    """Turn whatever Pillow raises about a file into a LandcoverError, but for want of memory."""
    try:
        yield
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixelsError(
            f"{path}: more than {2 * Image.MAX_IMAGE_PIXELS // 10**6} million pixels, too many to be read as a whole. "
            "Cut it into smaller images; landcover predict and evaluate also take a GeoTIFF of any size."
        ) from error
    except Exception as error:  # damaged bytes make the readers raise anything
        cause = unknown_format(path) if isinstance(error, Image.UnidentifiedImageError) else reason(error)
        raise LandcoverError(f"{path}: {problem} ({cause}). Replace or remove it.") from error
