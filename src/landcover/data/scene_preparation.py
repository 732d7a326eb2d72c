"""Cut the labelled parts of scenes into tiles that training can read without decoding. Needs rasterio."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.data.ground_resolution import common_resolution
from landcover.data.scaled_scenes import ScaledScene, check_scenes, open_scaled
from landcover.data.scene_labels import Place, SceneLabels, check_labelled
from landcover.data.splitting import Split
from landcover.data.statistics import BandStatistics, measured, statistics_of
from landcover.data.tile_files import Cut, Prepared, TileWriter, cut, tile_bytes, writing_tiles
from landcover.images.image_spec import ImageSpec
from landcover.labels.sources import LabelSource
from landcover.rasters.scenes import Scene
from landcover.system.errors import LandcoverError, Problems, naming_memory_errors
from landcover.system.mapping import Mapper, map_in_threads


class PreparedScenes(NamedTuple):
    """Prepared scenes in figures.

    Attributes:
        splits: `train` and `validation`.
        resolution: Metres of ground that a pixel of the scenes covers; None if unknown.
        notes: Counts of what is worth a note, by kind, see `LabelSource.report`.
    """

    splits: dict[str, Prepared]
    resolution: float | None
    notes: dict[str, int]


class _Tiles(NamedTuple):
    """The tiles at a place.

    Attributes:
        by_split: Of the splits that have a labelled pixel with data there.
        statistics: Of the valid pixels, if it trains.
    """

    by_split: dict[str, Cut]
    statistics: BandStatistics | None


def prepare_scenes(
    scenes: Sequence[Scene],
    source: LabelSource,
    split: Split,
    classes: ClassTable,
    folder: Path,
    *,
    tile: int,
    scale: float,
    bands: Sequence[int | str] | None = None,
    mapper: Mapper = map_in_threads,
) -> PreparedScenes:
    """Cut scenes into tiles; write those with labels to new folders `train` and `validation`.

    Tiles are squares of a lattice that begins at the upper left corner of each scene, so they do not depend on other
    scenes. A tile is written for a split if at least one of its pixels has a label there; in it, the pixels of the
    other side and of the buffer are unknown, and so are those without data. Images are scaled by the means of the valid
    part of areas; labels are made at working resolution. Edges are padded as by `tile_files.cut`.

    First the labels of all scenes are read with all cores, to find the tiles; then the tiles, in constant memory.

    Args:
        scenes: At least one.
        source: Their labels.
        split: Which pixels train, and which validate.
        classes: Of the labels.
        folder: An existing folder, in which those of the splits are made.
        tile: Side T of a tile in pixels at working resolution.
        scale: Working resolution over that of the scenes, at most 1.
        bands: Numbers from 1, or names; None for red, green and blue of 8 bits.
        mapper: Cuts the tiles; by default on all cores. What is written does not depend on it.

    Returns:
        The statistics of both splits are those of the valid pixels of training tiles.

    Raises:
        LandcoverError: A line for each scene that cannot be used, or is unlike the others; or nothing is labelled, or
            nothing in one of the splits.
    """
    spec, grids = check_scenes(scenes, bands)
    problems = Problems()
    places: list[list[Place]] = []
    for scene, grid in zip(scenes, grids, strict=True):
        with problems.collecting():
            places.append(SceneLabels.of(scene, grid.scaled(scale), source, split).places(tile))
    problems.raise_any()
    source.check()
    notes = source.report()  # before labels are read again
    check_labelled(source, scenes, grids, places)
    pixels = sum(place.size for found in places for place in found if "train" in place.labelled)
    result_bytes = 2 * tile_bytes(spec, tile**2)  # both splits may have a tile there
    statistics: BandStatistics | None = None
    with (
        writing_tiles(folder / "train", classes, tile, spec) as train,
        writing_tiles(folder / "validation", classes, tile, spec) as validation,
        tqdm(total=sum(map(len, places)), unit=" places", disable=None) as progress,
    ):
        writers, first = {"train": train, "validation": validation}, 0
        for scene, found in zip(scenes, places, strict=True):
            cutting = _Cutting(scene, source, split, len(classes), tile, scale, bands, pixels, result_bytes)
            with problems.collecting(), closing(mapper(cutting, list(enumerate(found, first)))) as results:
                for tiles, added in results:
                    for name, part in tiles.items():
                        writers[name].add(part)
                    if statistics is None:
                        statistics = added
                    elif added is not None:
                        statistics.add(added)
                    progress.update()
            first += len(found)
        problems.raise_any()
    labelled = {name: sum(place.labelled.get(name, 0) for found in places for place in found) for name in writers}
    if empty := [name for name, writer in writers.items() if writer.table().empty]:
        raise LandcoverError(f"no labelled pixel of the split {empty[0]} has data in the scenes. Label other places.")
    spec = measured(spec, statistics, "the scenes")
    splits = {name: _prepared(writer, labelled[name], classes, spec) for name, writer in writers.items()}
    return PreparedScenes(splits, common_resolution(scenes, grids), notes)


@dataclass(frozen=True)
class _Cutting:
    """Work on the places of a scene, each with its number among those of all scenes: cut the tiles.

    Attributes:
        scene: The scene.
        source, split, tile, scale, bands: See `prepare_scenes`.
        classes: Their number.
        pixels: Number of pixels of all tiles that train, of all scenes.
        result_bytes: See `mapping.Work`.
    """

    scene: Scene
    source: LabelSource
    split: Split
    classes: int
    tile: int
    scale: float
    bands: Sequence[int | str] | None
    pixels: int
    result_bytes: int

    @contextmanager
    def opened(self, threads: int) -> Iterator[Callable[[tuple[int, Place]], _Tiles]]:
        """See `mapping.Work`."""
        with open_scaled(self.scene, self.bands, self.scale, readers=threads) as scaled:
            labels = SceneLabels.of(self.scene, scaled.grid, self.source, self.split)
            yield partial(self._cut, scaled, labels)

    def describe(self, numbered: tuple[int, Place]) -> str:
        """See `mapping.Work`."""
        window = numbered[1].window
        return f"{self.scene.path}, tile at row {window.row_off}, column {window.col_off}"

    def _cut(self, scaled: ScaledScene, labels: SceneLabels, numbered: tuple[int, Place]) -> _Tiles:
        number, place = numbered
        with naming_memory_errors(self.scene.path):
            window, tiles = place.window, _Tiles({}, None)
            found = scaled.read_window(window)
            if not found:
                return tiles
            pixels, valid = found
            corner = int(window.row_off), int(window.col_off)
            for name, known in labels.read(window).items():
                if valid is not None:
                    known[~valid] = UNKNOWN
                if (known != UNKNOWN).any():
                    tiles.by_split[name] = cut(pixels, known, self.tile, self.scene.name, self.classes, corner)
            if "train" in tiles.by_split:
                return tiles._replace(statistics=statistics_of(pixels, valid, number, place.size / self.pixels))
            return tiles


def _prepared(writer: TileWriter, labelled: int, classes: ClassTable, spec: ImageSpec) -> Prepared:
    """A split in figures.

    Args:
        writer: Of its tiles.
        labelled: Number of pixels with a label, also where there is no data.
        classes: Of the labels.
        spec: What the images are.
    """
    table, counts = writer.table(), writer.class_pixels()
    unknown = counts.pop(classes.ignore_name)
    known = sum(counts.values())
    share = {name: count / known for name, count in counts.items()} | {classes.ignore_name: unknown / (known + unknown)}
    return Prepared(table["name"].nunique(), len(table), known + unknown, known, 0, labelled - known, share, spec)
