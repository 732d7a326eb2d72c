"""The images that a command is given as files, folders, patterns, URLs or lists of these."""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

from landcover.images.layouts import BLOCKS, CONFIDENCE, PROBABILITIES
from landcover.images.pairs import IMAGE_SUFFIXES, find_images
from landcover.system.errors import LandcoverError, reason
from landcover.system.locations import Location, Remote, location, resolved
from landcover.system.paths import check_readable

LIST_SUFFIX = ".txt"
"""Of a file that names images."""


def find_inputs(inputs: Iterable[str]) -> dict[str, Location]:
    """Return the images by name: the name of the file without its suffix and without `_sat`.

    Args:
        inputs: Image files; patterns; folders, in which the images are the files `NAME_sat.EXT` or, without any of
            these, all image files but `NAME_mask.EXT`, `NAME_confidence.EXT` and `NAME_probabilities.EXT`, which
            `landcover predict` writes; or URLs of files.

    Raises:
        LandcoverError: A pattern matches nothing, a folder has no images, or two images have the same name.
    """
    images: dict[str, Location] = {}
    for place in (place for text in inputs for place in _places(text)):
        found: dict[str, Location] = {place.stem.removesuffix("_sat"): place}
        if isinstance(place, Path) and place.is_dir():
            found = {**_in_folder(place)}
        for name in sorted(found.keys() & images.keys()):
            if resolved(found[name]) != resolved(images[name]):
                raise LandcoverError(
                    f"{found[name]}: {images[name]} has the same name. Predict them to different folders."
                )
        images |= found
    return images


def names_item(text: str) -> bool:
    """Whether an input is a STAC item: a .json or .geojson file, or such a URL, or one of an API, .../items/ID."""
    place = location(text)
    is_of_api = isinstance(place, Remote) and place.parent.name == "items"
    return is_of_api or place.suffix.lower() in (".json", ".geojson")


def read_lists(inputs: Iterable[str]) -> list[str]:
    """Return inputs, those that are lists replaced by what their lines name.

    Args:
        inputs: As a user gave them. A list is a text file, called .txt, that names an input a line, files relative to
            its own folder. Empty lines and lines that begin with # do not count.

    Raises:
        LandcoverError: A list cannot be read, or names nothing.
    """
    return [entry for text in inputs for entry in _entries(text)]


def _entries(text: str) -> list[str]:
    place = location(text)
    if isinstance(place, Remote) or place.suffix.lower() != LIST_SUFFIX or place.is_dir():
        return [text]
    if glob.has_magic(text) and not place.exists():
        return [text]
    try:
        check_readable(place)
        lines = [line.strip() for line in place.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise LandcoverError(f"{place}: not readable as a list of images ({reason(error)}). Correct it.") from error
    named = [location(line) for line in lines if line and not line.startswith("#")]
    if not named:
        raise LandcoverError(f"{place}: names no image. Write one a line.")
    return [each.url if isinstance(each, Remote) else str(place.parent / each) for each in named]


def _places(text: str) -> list[Location]:
    place = location(text)
    return [place] if isinstance(place, Remote) else [*_expanded(text)]


def _expanded(text: str) -> list[Path]:
    """Return the path itself or, if a text is a pattern and no such file exists, the files that match it.

    Blocks of unfinished maps never match.
    """
    if Path(text).exists() or not glob.has_magic(text):
        return [Path(text)]
    found = [path for path in sorted(_matches(text)) if path.is_file() and not path.parent.name.endswith(BLOCKS)]
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
