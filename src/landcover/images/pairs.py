"""Images and colour masks in folders, found and paired by name."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from landcover.system.errors import LandcoverError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
MASK_SUFFIXES = (".png", ".tif", ".tiff")  # no JPEG: its artefacts are colours of no class
Found = TypeVar("Found")


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
        LandcoverError: As `find_pairs`, or a line for each file that is unpaired or has the name of another.
    """
    return _or_raise(*find_pairs(folder))


def find_pairs(folder: Path | str) -> tuple[list[Sample], list[str]]:
    """The pairs of a folder, sorted by name; and a line for each file that is unpaired or has the name of another.

    Raises:
        LandcoverError: No such folder, or no image or no mask in it.
    """
    images, duplicate_images = _find(folder, "_sat", IMAGE_SUFFIXES)
    masks, duplicate_masks = _find(folder, "_mask", MASK_SUFFIXES)
    problems = [
        *duplicate_images,
        *duplicate_masks,
        *unpaired(images, masks, lambda name: f"mask {name}_mask.png beside it"),
        *unpaired(masks, images, lambda name: f"image {name}_sat.jpg, .png or .tif beside it"),
    ]
    return [Sample(name, images[name], masks[name]) for name in images if name in masks], problems


def unpaired(files: Mapping[str, Path], partners: Collection[str], wanted: Callable[[str], str]) -> list[str]:
    """A line for each file, by name, whose name is not among those of the `partners`.

    Args:
        wanted: What is missing of a name, in words.
    """
    return [f"{path}: no {wanted(name)}. Add or remove one." for name, path in files.items() if name not in partners]


def check_same_size(path: Path, size: tuple[int, int], other: Path, other_size: tuple[int, int]) -> None:
    """Return if two files that belong together have the same (height, width).

    Raises:
        LandcoverError: They do not.
    """
    if size != other_size:
        shown = " and ".join(f"{width}x{height}" for height, width in (size, other_size))
        raise LandcoverError(f"{path}: its size and that of {other} differ: {shown} pixels. Make them equal.")


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
    found: dict[str, Path] = {}
    duplicates = []
    for path in _files(folder, suffixes):
        if path.stem.endswith(ending):
            first = found.setdefault(path.stem.removesuffix(ending), path)
            if first != path:
                duplicates.append(f"{path}: {first.name} has the same name. Remove or rename one of them.")
    if not found:
        patterns = ", ".join(f"NAME{ending}{suffix}" for suffix in suffixes)
        raise LandcoverError(f"{folder}: no {patterns} in it. Add some, or name another (in the pipeline: data.root).")
    return found, duplicates


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]
