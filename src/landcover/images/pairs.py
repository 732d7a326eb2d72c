"""Images and masks in folders, found and paired by name."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from landcover.images.layouts import CONFIDENCE, PROBABILITIES, SUFFIXES, PairLayout
from landcover.system.errors import LandcoverError, Problems

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
RASTER_SUFFIXES = (".tif", ".tiff", ".jp2", ".vrt")
"""Of images that are labelled with rasterio, so that any pixel type and any number of bands will do."""
MASK_SUFFIXES = (".png", ".tif", ".tiff")  # no JPEG: its artefacts are colours of no class

_JPEG_SUFFIXES = (".jpg", ".jpeg")
_PAIRS = PairLayout()


@dataclass(frozen=True)
class Sample:
    """An image and its mask, such as `NAME_sat.EXT` and `NAME_mask.png`."""

    name: str
    image: Path
    mask: Path


def find_images(folder: Path | str, layout: PairLayout = _PAIRS) -> dict[str, Path]:
    """Images of a folder by NAME, sorted: `NAME_sat.EXT`, unless the layout is another.

    Raises:
        LandcoverError: No such folder, no image in it, or two images of one name.
    """
    problems = Problems()
    found = _find(folder, layout, "image", IMAGE_SUFFIXES, problems)
    problems.raise_any()
    return found


def find_masks(folder: Path | str, plain: bool = False) -> dict[str, Path]:
    """Colour masks `NAME_mask.png` (or .tif) of a folder by NAME, sorted. Raises as `find_images` does.

    Args:
        plain: In a folder where no file is called `NAME_mask` or `NAME_sat`, any `NAME.png` is a mask.
    """
    folder, layout = Path(folder), _PAIRS
    if plain and folder.is_dir():
        stems = [path.stem for path in _files(folder, MASK_SUFFIXES)]
        if stems and not any(stem.endswith(("_mask", "_sat")) for stem in stems):
            layout = PairLayout(suffixes=("", ""))
    problems = Problems()
    found = _find(folder, layout, "mask", MASK_SUFFIXES, problems)
    problems.raise_any()
    return found


def find_samples(folder: Path | str, layout: PairLayout = _PAIRS) -> list[Sample]:
    """All pairs of a folder, sorted by name.

    Raises:
        LandcoverError: As `find_pairs`, or a line for each file that is unpaired or has the name of another.
    """
    problems = Problems()
    samples = find_pairs(folder, problems, layout)
    problems.raise_any()
    return samples


def find_pairs(folder: Path | str, problems: Problems, layout: PairLayout = _PAIRS) -> list[Sample]:
    """All pairs of a folder, sorted by name.

    Args:
        folder: Of images and masks.
        problems: Gets a line for each file that is unpaired or has the name of another, and for each mask in JPEG.
        layout: How they lie there.

    Raises:
        LandcoverError: No such folder, or no image or no mask in it.
    """
    images = _find(folder, layout, "image", IMAGE_SUFFIXES, problems)
    masks = _find(folder, layout, "mask", MASK_SUFFIXES, problems)
    jpegs = {name: path for name, path in _jpeg_masks(folder, layout).items() if name not in masks}
    problems.lines += [
        f"{path}: a mask in JPEG, whose compression changes pixels. Save it as PNG or TIFF where the masks were made."
        for path in jpegs.values()
    ]
    problems.lines += [
        *unpaired(images, masks.keys() | jpegs, lambda name: _wanted(images[name], name, layout, "mask", "png")),
        *unpaired(masks, images, lambda name: _wanted(masks[name], name, layout, "image", "jpg, .png or .tif")),
    ]
    return [Sample(name, images[name], masks[name]) for name in images if name in masks]


def confidence_path(mask: Path) -> Path:
    """Where the confidence of a mask is: `NAME_confidence.EXT` beside `NAME_mask.EXT` or `NAME.EXT`."""
    name = mask.stem.removesuffix(SUFFIXES["pairs"][1])
    return mask.with_name(f"{name}{CONFIDENCE}{mask.suffix}")


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


def _wanted(path: Path, name: str, layout: PairLayout, kind: str, suffix: str) -> str:
    """The partner that a file lacks, in words."""
    ending = layout.ending(kind)
    if not layout.folders:
        return f"{kind} {name}{ending}.{suffix} beside it"
    other = "image" if kind == "mask" else "mask"
    return f"{kind} {layout.folder(kind)}/{path.stem.removesuffix(layout.ending(other))}{ending}.{suffix} for it"


def _find(
    folder: Path | str, layout: PairLayout, kind: str, suffixes: tuple[str, ...], problems: Problems
) -> dict[str, Path]:
    """The images or masks of a folder by name, sorted; a problem for each further one of the same name."""
    folder = Path(folder)
    if not folder.is_dir():
        raise LandcoverError(
            f"{folder}: no such folder. Put {layout.example('image')} and {layout.example('mask')} there, or name "
            "another (in the pipeline: data.root)."
        )
    found: dict[str, Path] = {}
    for name, path in _named(folder, layout, kind, suffixes):
        first = found.setdefault(name, path)
        if first != path:
            shown = first.name if first.parent == path.parent else first
            problems.lines.append(f"{path}: {shown} has the same name. Remove or rename one of them.")
    if not found:
        patterns = ", ".join(f"{layout.pattern(kind)}{suffix}" for suffix in suffixes)
        jpegs = _jpeg_masks(folder, layout) if kind == "mask" else {}
        why = f"; {next(iter(jpegs.values())).name} is a JPEG, whose compression changes pixels" if jpegs else ""
        raise LandcoverError(
            f"{folder}: no {patterns} in it{why}. Add some, or name another (in the pipeline: data.root)."
        )
    return dict(sorted(found.items())) if layout.folders else found


def _jpeg_masks(folder: Path | str, layout: PairLayout) -> dict[str, Path]:
    return dict(_named(Path(folder), layout, "mask", _JPEG_SUFFIXES))


def _named(folder: Path, layout: PairLayout, kind: str, suffixes: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """(name, path) of the files of a kind."""
    ending, other = layout.ending(kind), layout.ending("image" if kind == "mask" else "mask")
    for place, prefix in _places(folder, layout.folder(kind)) if layout.folders else [(folder, "")]:
        for path in _files(place, suffixes):
            # In one folder, NAME_mask.png is no image although any name is one where the images have no ending.
            others = [CONFIDENCE, PROBABILITIES] if not ending else []
            others += [other] if len(other) > len(ending) else []
            is_other = not layout.folders and path.stem.endswith(tuple(others))
            if path.stem.endswith(ending) and not is_other:
                yield prefix + path.stem.removesuffix(ending), path


def _places(folder: Path, wanted: str) -> Iterator[tuple[Path, str]]:
    """The folders of a name in a folder and below it, and what the names of their files begin with."""
    for path, folders, _ in os.walk(folder):
        top = Path(path)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        if wanted in folders:
            yield top / wanted, "".join(f"{part}_" for part in top.relative_to(folder).parts)
            folders.remove(wanted)


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]
