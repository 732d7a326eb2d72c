"""The images that a command is given as files, folders or patterns."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from landcover.images.layouts import CONFIDENCE, PROBABILITIES
from landcover.images.pairs import IMAGE_SUFFIXES, find_images
from landcover.system.errors import LandcoverError


def find_inputs(inputs: Iterable[str]) -> dict[str, Path]:
    """Return the images by name: the name of the file without its suffix and without `_sat`.

    Args:
        inputs: Image files; patterns; folders, in which the images are the files `NAME_sat.EXT` or, without any of
            these, all image files but `NAME_mask.EXT`, `NAME_confidence.EXT` and `NAME_probabilities.EXT`, which
            `landcover predict` writes.

    Raises:
        LandcoverError: A pattern matches nothing, a folder has no images, or two images have the same name.
    """
    images: dict[str, Path] = {}
    for path in (path for text in inputs for path in _expanded(text)):
        found = _in_folder(path) if path.is_dir() else {path.stem.removesuffix("_sat"): path}
        for name in sorted(found.keys() & images.keys()):
            if found[name].resolve() != images[name].resolve():
                raise LandcoverError(
                    f"{found[name]}: {images[name]} has the same name. Predict them to different folders."
                )
        images |= found
    return images


def _expanded(text: str) -> list[Path]:
    """Return the path itself or, if a text is a pattern and no such file exists, the files that match it."""
    if Path(text).exists() or not glob.has_magic(text):
        return [Path(text)]
    found = [path for path in sorted(_matches(text)) if path.is_file()]
    if not found:
        raise LandcoverError(f"{text}: no file matches. Correct the pattern, or name an image or a folder.")
    return found


def _matches(pattern: str) -> set[Path]:
    """Return the paths that match a pattern. For `**`, links are followed, but each folder is entered only once."""
    head, deep, tail = pattern.partition("**/")
    if not deep:
        return set(map(Path, glob.glob(pattern)))  # noqa: PTH207 (pathlib's takes hidden files too)
    tops = map(Path, glob.glob(head)) if head else [Path()]  # noqa: PTH207
    folders = (glob.escape(str(folder)) for top in tops for folder in _folders(top, set()))
    return {path for folder in folders for path in _matches(f"{folder}/{tail}")}


def _folders(top: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield a folder and all folders below it, except hidden ones and those seen before."""
    identity = top.stat().st_dev, top.stat().st_ino
    if identity in seen:
        return
    seen.add(identity)
    yield top
    for path in sorted(top.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            yield from _folders(path, seen)


def _in_folder(folder: Path) -> dict[str, Path]:
    stems = [(path.stem, path) for path in sorted(folder.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES]
    plain = [(stem, path) for stem, path in stems if not stem.endswith(("_mask", CONFIDENCE, PROBABILITIES))]
    if not plain or any(stem.endswith("_sat") for stem, _ in plain):
        return find_images(folder)
    found: dict[str, Path] = {}
    for stem, path in plain:
        if stem in found:
            raise LandcoverError(f"{path}: {found[stem].name} has the same name. Remove or rename one of them.")
        found[stem] = path
    return found
