"""Images and colour masks in folders, found and paired by name."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from landcover.system.errors import LandcoverError, Problems

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
RASTER_SUFFIXES = (".tif", ".tiff", ".jp2", ".vrt")
"""Of images that are labelled with rasterio, so that any pixel type and any number of bands will do."""
MASK_SUFFIXES = (".png", ".tif", ".tiff")  # no JPEG: its artefacts are colours of no class


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
    return _find_or_raise(folder, "_sat", IMAGE_SUFFIXES)


def find_masks(folder: Path | str, plain: bool = False) -> dict[str, Path]:
    """Colour masks `NAME_mask.png` (or .tif) of a folder by NAME, sorted. Raises as `find_images` does.

    Args:
        plain: In a folder where no file is called `NAME_mask` or `NAME_sat`, any `NAME.png` is a mask.
    """
    folder = Path(folder)
    if plain and folder.is_dir():
        stems = [path.stem for path in _files(folder, MASK_SUFFIXES)]
        if stems and not any(stem.endswith(("_mask", "_sat")) for stem in stems):
            return _find_or_raise(folder, "", MASK_SUFFIXES)
    return _find_or_raise(folder, "_mask", MASK_SUFFIXES)


def find_samples(folder: Path | str) -> list[Sample]:
    """All pairs of a folder, sorted by name.

    Raises:
        LandcoverError: As `find_pairs`, or a line for each file that is unpaired or has the name of another.
    """
    problems = Problems()
    samples = find_pairs(folder, problems)
    problems.raise_any()
    return samples


def find_pairs(folder: Path | str, problems: Problems) -> list[Sample]:
    """All pairs of a folder, sorted by name.

    Args:
        folder: Of images and masks.
        problems: Gets a line for each file that is unpaired or has the name of another.

    Raises:
        LandcoverError: No such folder, or no image or no mask in it.
    """
    images = _find(folder, "_sat", IMAGE_SUFFIXES, problems)
    masks = _find(folder, "_mask", MASK_SUFFIXES, problems)
    problems.lines += [
        *unpaired(images, masks, lambda name: f"mask {name}_mask.png beside it"),
        *unpaired(masks, images, lambda name: f"image {name}_sat.jpg, .png or .tif beside it"),
    ]
    return [Sample(name, images[name], masks[name]) for name in images if name in masks]


def unpaired(files: Mapping[str, Path], partners: Collection[str], wanted: Callable[[str], str]) -> list[str]:
    """A line for each of the files, by name, whose name is not among those of the partners.

    Args:
        wanted: Says which partner a name lacks.
    """
    return [f"{path}: no {wanted(name)}. Add or remove one." for name, path in files.items() if name not in partners]


def check_same_size(path: Path | str, size: tuple[int, ...], other: Path | str, other_size: tuple[int, ...]) -> None:
    """Return if two files that belong together have the same size, (height, width) in pixels.

    Raises:
        LandcoverError: They do not.
    """
    if size != other_size:
        shown = " and ".join(f"{width}x{height}" for height, width in (size, other_size))
        raise LandcoverError(f"{path}: its size and that of {other} differ: {shown} pixels. Make them equal.")


def _find_or_raise(folder: Path | str, ending: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
    problems = Problems()
    found = _find(folder, ending, suffixes, problems)
    problems.raise_any()
    return found


def _find(folder: Path | str, ending: str, suffixes: tuple[str, ...], problems: Problems) -> dict[str, Path]:
    """Files `NAME + ending + suffix` of a folder by NAME, sorted; a problem for each further one of the same NAME."""
    folder = Path(folder)
    if not folder.is_dir():
        raise LandcoverError(
            f"{folder}: no such folder. Put NAME_sat.jpg and NAME_mask.png there, or name another "
            "(in the pipeline: data.root)."
        )
    found: dict[str, Path] = {}
    for path in _files(folder, suffixes):
        if path.stem.endswith(ending):
            first = found.setdefault(path.stem.removesuffix(ending), path)
            if first != path:
                problems.lines.append(f"{path}: {first.name} has the same name. Remove or rename one of them.")
    if not found:
        patterns = ", ".join(f"NAME{ending}{suffix}" for suffix in suffixes)
        raise LandcoverError(f"{folder}: no {patterns} in it. Add some, or name another (in the pipeline: data.root).")
    return found


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]
