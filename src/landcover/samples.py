"""Pictures with their colour masks: matched by name, read, written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from landcover.errors import LandcoverError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
MASK_SUFFIXES = (".png", ".tif", ".tiff")  # no JPEG: its artefacts are colours of no class
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")

_PNG_STRATEGY = Image.RLE  # how zlib's default finds matches is up to the implementation; run lengths are not


@dataclass(frozen=True)
class Sample:
    """A picture `NAME_sat.EXT` and its colour mask `NAME_mask.png`."""

    name: str
    image: Path
    mask: Path


def find_images(folder: Path) -> dict[str, Path]:
    """Pictures `NAME_sat.EXT` of a folder by NAME, sorted.

    Raises:
        LandcoverError: No such folder, no picture in it, or two pictures of one name.
    """
    return _find(folder, "_sat", IMAGE_SUFFIXES)


def find_masks(folder: Path, plain: bool = False) -> dict[str, Path]:
    """Colour masks `NAME_mask.png` (or .tif) of a folder by NAME, sorted. Raises as `find_images` does.

    Args:
        plain: In a folder where no file is called `NAME_mask` or `NAME_sat`, any `NAME.png` is a mask.
    """
    if plain and folder.is_dir():
        stems = [path.stem for path in _files(folder, MASK_SUFFIXES)]
        if stems and not any(stem.endswith(("_mask", "_sat")) for stem in stems):
            return _find(folder, "", MASK_SUFFIXES)
    return _find(folder, "_mask", MASK_SUFFIXES)


def find_samples(folder: Path) -> list[Sample]:
    """All pairs of a folder, sorted by name.

    Raises:
        LandcoverError: As for `find_images`; or a picture without a mask, or a mask without a picture.
    """
    images, masks = find_images(folder), find_masks(folder)
    for ours, theirs, partner in (
        (images, masks, "mask {}_mask.png"),
        (masks, images, "picture {}_sat.jpg, .png or .tif"),
    ):
        if lonely := sorted(ours.keys() - theirs):
            more = f" ({len(lonely)} such)" if len(lonely) > 1 else ""
            partner = partner.format(lonely[0])
            raise LandcoverError(f"{ours[lonely[0]]}: no {partner} beside it{more}. Add or remove one.")
    return [Sample(name, images[name], masks[name]) for name in images]


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels, from the file's header alone. Raises as `read_rgb` does."""
    with _opened(path) as image:
        return image.height, image.width


def read_rgb(path: Path) -> np.ndarray:
    """Decode a picture or a colour mask as uint8 RGB (H, W, 3).

    Grey is repeated, palettes are looked up, alpha is dropped.

    Raises:
        LandcoverError: The file is no picture, is cut short, or has more than 8 bits a channel.
    """
    return np.asarray(_decoded(path))


def scale_down(rgb: np.ndarray, scale: float) -> np.ndarray:
    """A picture, uint8 RGB (H, W, 3), at working resolution: each pixel the mean of the area that it stands for."""
    height, width = scaled_size(rgb.shape[:2], scale)
    if (height, width) == rgb.shape[:2]:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) of a picture of `size` at working resolution `scale`: rounded, at least one pixel."""
    return tuple(max(1, round(length * scale)) for length in size)


def save_png(rgb: np.ndarray, path: Path) -> None:
    """Write uint8 RGB (H, W, 3) as a PNG of the same bytes on every machine."""
    Image.fromarray(rgb).save(path, format="png", compress_type=_PNG_STRATEGY)


def _find(folder: Path, ending: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    if not folder.is_dir():
        raise LandcoverError(
            f"{folder}: no such folder. Put NAME_sat.jpg and NAME_mask.png there, or name another "
            "(in the pipeline: data.root)."
        )
    found = {}
    for path in _files(folder, suffixes):
        if path.stem.endswith(ending):
            name = path.stem.removesuffix(ending)
            if name in found:
                raise LandcoverError(f"{path}: {found[name].name} has the same name. Remove or rename one of them.")
            found[name] = path
    if not found:
        patterns = ", ".join(f"NAME{ending}{suffix}" for suffix in suffixes)
        raise LandcoverError(f"{folder}: no {patterns} in it. Add some, or name another (in the pipeline: data.root).")
    return found


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]


def _opened(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LandcoverError(f"{path}: not readable as a picture ({_reason(error)}). Replace or remove it.") from error
    if image.mode not in _EIGHT_BIT_MODES:
        image.close()
        raise LandcoverError(f"{path}: pixels of type {image.mode}, not 8 bits a channel. Convert it to 8-bit RGB.")
    return image


def _decoded(path: Path) -> Image.Image:
    with _opened(path) as image:
        try:
            image.load()
            return image if image.mode == "RGB" else image.convert("RGB")
        except (OSError, ValueError, SyntaxError, EOFError, IndexError) as error:
            raise LandcoverError(
                f"{path}: not readable to its end ({_reason(error)}). Replace or remove it."
            ) from error


def _reason(error: Exception) -> str:
    """What went wrong, without the path that Pillow repeats."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "unknown format"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
