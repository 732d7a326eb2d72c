"""Which files are scenes, and which are bands of one."""

from collections.abc import Sequence
from pathlib import Path

from landcover.images.layouts import BLOCKS
from landcover.images.pairs import IMAGE_SUFFIXES, RASTER_SUFFIXES
from landcover.rasters.band_files import BandFile, band_file, natural_order, scene_folder, tells_no_band, words_of
from landcover.system.errors import LandcoverError

_PLACED = "PNG and JPEG only with an .aux.xml or a world file"


def find_files(root: Path, entry: str) -> list[Path]:
    """Files of scenes that one entry of `scenes` means, sorted: see `scenes.find_scenes`.

    Raises:
        LandcoverError: It means none, or something outside `root`.
    """
    if not root.is_dir():
        raise LandcoverError(f"{root}: no such folder. Name another in `root`.")
    below = Path(entry)
    if below.is_absolute() and below.is_relative_to(root.absolute()):
        below = below.relative_to(root.absolute())
    if below.is_absolute() or ".." in below.parts:
        raise LandcoverError(f"{entry}: not in {root}, in which everything that `scenes` names must be. Put it there.")
    path = root / below
    if path.is_file():
        return [path]
    if path.exists():
        matches, problem = [path], f"no file of a scene in it ({', '.join(RASTER_SUFFIXES)}; {_PLACED})"
    elif any(sign in str(below) for sign in "*?["):
        try:
            matches, problem = [*root.glob(str(below))], f"nothing fits that could be a scene ({_PLACED})"
        except ValueError as error:  # such as of **.tif
            raise LandcoverError(f"{path}: not a pattern ({error}). Name another in `scenes`.") from error
    else:
        matches, problem = [], "no such file or folder"
    files = {file for match in matches for file in (match.rglob("*") if match.is_dir() else [match])}
    found = sorted(file for file in files if _is_of_scene(file.relative_to(root), file))
    if not found:
        raise LandcoverError(f"{path}: {problem}. Name another in `scenes`.")
    return found


def group_files(paths: Sequence[Path]) -> list[tuple[str, tuple[Path, ...]]]:
    """Group files by the scenes of which they are, and name these.

    Files of one folder (those in folders such as R10m and R20m count as if they were in the folder above) whose names
    differ in nothing but band and resolution (`band_files.band_file`) are bands of one scene, if there are at least two
    bands. Its name is what the names have in common, or that of the folder if that is nothing. Of a band in several
    resolutions the finest counts. Every other file is a scene, named after it. Files whose names begin as that of a
    scene does and go on with a word such as QA, SCL or mask (`band_files.tells_no_band`) are left out.

    Returns:
        Name of each scene, and its files in the order of their bands: numbers count as such, B8A comes after B8.

    Raises:
        LandcoverError: Two files are the same band of one scene; or a file begins as the bands of a scene do, and it is
            not clear whether it belongs to it.
    """
    groups: dict[object, dict[Path, BandFile]] = {}
    for path in paths:
        if band := band_file(path):
            groups.setdefault((scene_folder(path), band.place), {})[path] = band
    stacks = [members for members in groups.values() if len({band.key for band in members.values()}) > 1]
    single = dict.fromkeys(path for path in paths if not any(path in members for members in stacks))
    scenes, starts = [], {(scene_folder(path), words_of(path)): path for path in single}
    for members in stacks:
        files = _finest(members)
        first, folder = members[files[0]], scene_folder(files[0])
        scenes.append((first.scene or folder.name, files))
        starts[folder, first.place[0]] = files[0]
    for path in single:
        words = words_of(path)
        begun = ((count, starts.get((scene_folder(path), words[:count]))) for count in reversed(range(len(words))))
        count, other = next(((count, other) for count, other in begun if other), (0, None))
        if other is None or (other in single and not tells_no_band(words[count:])):
            scenes.append((path.stem, (path,)))
        elif not tells_no_band(words[count:]):
            raise LandcoverError(
                f"{path}: it is not clear whether it belongs to the scene of {other.name}. Move it, or name the "
                "files in `scenes` by a pattern that leaves it out."
            )
    return scenes


def common_pattern(names: Sequence[str]) -> str:
    """What names have in common at their start and end, with a `*` between."""
    shortest = min(map(len, names))
    alike = [len({name[i] for name in names}) == 1 for i in range(shortest)]
    start = alike.index(False) if False in alike else shortest
    alike = [len({name[-1 - i] for name in names}) == 1 for i in range(shortest - start)]
    end = alike.index(False) if False in alike else shortest - start
    return f"{names[0][:start]}*{names[0][len(names[0]) - end :]}"


def _is_of_scene(below: Path, path: Path) -> bool:
    if any(part.startswith(".") or part.endswith(BLOCKS) for part in below.parts) or not path.is_file():
        return False
    if (
        any(part.upper().endswith(".SAFE") or part == "GRANULE" for part in below.parts)
        and "IMG_DATA" not in below.parts
    ):
        return False
    return path.suffix.lower() in RASTER_SUFFIXES or (path.suffix.lower() in IMAGE_SUFFIXES and _is_placed(path))


def _is_placed(path: Path) -> bool:
    """Whether a file beside an image tells where it lies."""
    suffix = path.suffix[1:]
    worlds = (".wld", f".{suffix}w", f".{suffix[0]}{suffix[-1]}w")
    return Path(f"{path}.aux.xml").exists() or any(path.with_suffix(world).exists() for world in worlds)


def _finest(members: dict[Path, BandFile]) -> tuple[Path, ...]:
    """The finest file of each band, in the order of the bands."""
    best: dict[str, Path] = {}
    for path, band in members.items():
        other = best.setdefault(band.key, path)
        if path != other and members[other].metres == band.metres:
            raise LandcoverError(f"{path}: the same band as {other}. Remove one, or name the files in `scenes`.")
        if band.metres < members[other].metres:
            best[band.key] = path
    return tuple(best[band] for band in sorted(best, key=natural_order))
