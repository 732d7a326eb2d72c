"""Images that a command is asked to label: files, folders, patterns."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from landcover.images.pairs import IMAGE_SUFFIXES, find_images
from landcover.system.errors import LandcoverError


def find_inputs(inputs: Iterable[str]) -> dict[str, Path]:
    """The images by name: that of the file without suffix and without `_sat`.

    Args:
        inputs: Images; folders, of which those called `NAME_sat.EXT` are meant, or if there are none of these, all
            but `NAME_mask.EXT` and `NAME_probabilities.EXT`, which `landcover predict` writes; patterns.

    Raises:
        LandcoverError: A pattern matches nothing, a folder has no images, or two images have the same name.
    """
    images = {}
    for path in (path for text in inputs for path in _expanded(text)):
        found = _of_folder(path) if path.is_dir() else {path.stem.removesuffix("_sat"): path}
        for name in sorted(found.keys() & images.keys()):
            if found[name].resolve() != images[name].resolve():
                raise LandcoverError(
                    f"{found[name]}: {images[name]} has the same name. Predict them to different folders."
                )
        images |= found
    return images


def _expanded(text: str) -> list[Path]:
    """The paths that a text stands for: itself, or what it matches if it is a pattern and there is no such file."""
    if Path(text).exists() or not glob.has_magic(text):
        return [Path(text)]
    found = [path for path in sorted(_matches(text)) if path.is_file()]
    if not found:
        raise LandcoverError(f"{text}: no file is called so. Mend the pattern, or name an image or a folder.")
    return found


def _matches(pattern: str) -> set[Path]:
    """The paths that match a pattern. Where it has `**`, links are followed, but into each folder once only."""
    head, deep, tail = pattern.partition("**/")
    if not deep:
        return set(map(Path, glob.glob(pattern)))  # noqa: PTH207 (pathlib's takes hidden files too)
    tops = map(Path, glob.glob(head)) if head else [Path()]  # noqa: PTH207
    folders = (glob.escape(str(folder)) for top in tops for folder in _folders(top, set()))
    return {path for folder in folders for path in _matches(f"{folder}/{tail}")}


def _folders(top: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """A folder and all below it that are not hidden, but for those seen."""
    identity = top.stat().st_dev, top.stat().st_ino
    if identity in seen:
        return
    seen.add(identity)
    yield top
    for path in sorted(top.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            yield from _folders(path, seen)


def _of_folder(folder: Path) -> dict[str, Path]:
    stems = [(path.stem, path) for path in sorted(folder.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES]
    plain = [(stem, path) for stem, path in stems if not stem.endswith(("_mask", "_probabilities"))]
    if not plain or any(stem.endswith("_sat") for stem, _ in plain):
        return find_images(folder)
    found = {}
    for stem, path in plain:
        if stem in found:
            raise LandcoverError(f"{path}: {found[stem].name} has the same name. Remove or rename one of them.")
        found[stem] = path
    return found
