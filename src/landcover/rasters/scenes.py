"""Scenes: georeferenced images of one file or several, of which each has some of the bands. Needs rasterio."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from rasterio.windows import Window

from landcover.rasters.access import safe_reading
from landcover.rasters.band_images import BandImage
from landcover.rasters.cropping import Box
from landcover.rasters.grid import Grid
from landcover.rasters.scene_files import common_pattern, find_files, group_files
from landcover.rasters.stacks import open_files
from landcover.system.errors import LandcoverError
from landcover.system.locations import Location, Remote, location


@dataclass(frozen=True)
class Scene:
    """A scene.

    Attributes:
        name: Under which its map is written; no two scenes of a data set have the same.
        files: One with all bands, or several that are stacked.
        box: The part of them that is the scene, see `cropping.crop`; None for all.
    """

    name: str
    files: tuple[Location, ...]
    box: Box | None = None

    @classmethod
    def of(cls, file: Location | str) -> "Scene":
        """The scene of one file, a path or a URL, named after it."""
        place = location(file)
        return cls(place.stem, (place,))

    @property
    def path(self) -> Location:
        """For messages: its file, or what its files are called, such as `s2/T32UNU_*.jp2`; of several there is none."""
        if len(self.files) == 1:
            return self.files[0]
        pattern = common_pattern([file.name for file in self.files])
        paths = [file for file in self.files if isinstance(file, Path)]
        if len(paths) < len(self.files):
            return next(file for file in self.files if isinstance(file, Remote)).with_name(pattern)
        return Path(os.path.commonpath([path.parent for path in paths]), pattern)


class SceneReader:
    """An open scene as an `images.ImageReader` that also reads windows. `open_scene` opens one.

    It may be read by several threads at once: they take turns.

    Attributes:
        scene: As given.
        grid: Where its pixels lie.
        height, width: In pixels.
        dtype: Pixel type, one of `image_spec.PIXEL_TYPES` but float64, which becomes float32.
        names: Of the B bands.
    """

    def __init__(self, scene: Scene, image: BandImage) -> None:
        self.scene, self._image, self._lock = scene, image, Lock()
        self.grid = Grid.of(image.dataset)
        self.height, self.width, self.names = image.height, image.width, image.names
        self.dtype = np.dtype(np.float32) if image.dtype == np.float64 else image.dtype

    def read_window(self, window: Window) -> tuple[np.ndarray, np.ndarray | None]:
        """Read a window that lies within the scene.

        Returns:
            Pixels (h, w, B) of `dtype`, what is not valid with any value; and where there is data (see
            `images.ImageReader.valid_mask`), bool (h, w), or None if that is everywhere.

        Raises:
            LandcoverError: It cannot be read.
        """
        with self._lock, safe_reading():
            pixels, valid = self._image.read_window(window)
        if pixels.dtype != self.dtype:
            with np.errstate(over="ignore"):
                pixels = pixels.astype(self.dtype)
            finite = np.isfinite(pixels).all(2)
            valid = finite if valid is None else valid & finite
        return pixels, None if valid is None or valid.all() else valid

    def read(self, top: int = 0, bottom: int | None = None) -> np.ndarray:
        """Read rows `top` to `bottom` - 1 (None: to the last): (rows, width, B) of `dtype`, invalid ones too."""
        return self.read_window(self._rows(top, bottom))[0]

    def valid_mask(self, top: int = 0, bottom: int | None = None) -> np.ndarray | None:
        """Where rows `top` to `bottom` - 1 have data: bool (rows, width); None for everywhere."""
        return self.read_window(self._rows(top, bottom))[1]

    def _rows(self, top: int, bottom: int | None) -> Window:
        return Window(0, top, self.width, (self.height if bottom is None else bottom) - top)


def find_scenes(root: Path | str, scenes: str | Sequence[str]) -> list[Scene]:
    """Find the scenes of a data set, sorted by name.

    A file is named, or matches a pattern, or lies in a folder that is named or matches, or anywhere below it. In
    folders, files count whose names end in one of `pairs.RASTER_SUFFIXES`; and PNG and JPEG, there and where a pattern
    matches, only with a file beside them that places them: `NAME.EXT.aux.xml`, or a world file such as `NAME.wld`. Of a
    Sentinel-2 product only what lies in IMG_DATA counts. Hidden files never count. Which files are bands of one scene,
    and what it is called, `scene_files.group_files` says.

    Args:
        root: Folder of the data set.
        scenes: Below it: a file, a folder, a pattern such as `s2/*.tif` or `**/*.jp2`, or a list of these.

    Raises:
        LandcoverError: There are none, something is outside `root`, two scenes have the same name, or it is not clear
            which files belong together.
    """
    root = Path(root)
    wanted = [scenes] if isinstance(scenes, str) else scenes
    if not wanted or "" in wanted:
        raise LandcoverError(f"`scenes` = {scenes!r}: names nothing. Name files or folders in {root}.")
    files = dict.fromkeys(path for entry in wanted for path in find_files(root, entry))
    found = [Scene(name, files) for name, files in group_files(list(files))]
    by_name: dict[str, Scene] = {}
    for scene in found:
        other = by_name.setdefault(scene.name, scene)
        if other is not scene:
            raise LandcoverError(f"{scene.path}: {other.path} has the same name, {scene.name}. Rename one of them.")
    return [by_name[name] for name in sorted(by_name)]


@contextmanager
def open_scene(
    scene: Scene, bands: Sequence[int | str] | None = None, *, allow_vrt_paths: bool = False
) -> Iterator[SceneReader]:
    """Open a scene.

    Args:
        scene: Of `find_scenes`.
        bands: Numbers from 1, or names; None for red, green and blue of 8 bits, found as by `bands.find_rgb`.
        allow_vrt_paths: See `access.open_dataset`.

    Raises:
        LandcoverError: It cannot be read, lacks a band, or its files do not fit together.
    """
    with open_files(scene.files, scene.path, box=scene.box, allow_vrt_paths=allow_vrt_paths) as dataset:
        if bands is None and (deep := next((kind for kind in dataset.dtypes if kind != "uint8"), None)):
            raise LandcoverError(
                f"{scene.path}: its pixels are {deep}, not 8 bits. Choose its bands in `bands`, such as "
                "[red, green, blue, nir] or [4, 3, 2]."
            )
        yield SceneReader(scene, BandImage(scene.path, dataset, bands))
