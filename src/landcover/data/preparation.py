"""Decode a folder of samples into tiles that training can read without decoding."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.code_table import CodeTable
from landcover.data.source_images import SourceHeader, check_alike, read_header, read_image
from landcover.data.statistics import BandStatistics, measured, statistics_of
from landcover.data.tile_files import Cut, Prepared, cut, writing_tiles
from landcover.images.image_spec import ImageSpec
from landcover.images.pairs import Sample, check_same_size
from landcover.images.resizing import nearest, scale_down, scaled_size
from landcover.rasters.masks import MaskFormat
from landcover.system.errors import Problems, naming_memory_errors
from landcover.system.parallel import error_as_result, parallel_map


def prepare(
    samples: list[Sample],
    classes: ClassTable,
    folder: Path | str,
    *,
    tile: int,
    scale: float,
    max_off_palette: float,
    bands: Sequence[int | str] | None = None,
    like: ImageSpec | None = None,
    codes: CodeTable | None = None,
) -> Prepared:
    """Decode all samples, cut them into tiles and write them to a new `folder`, with all cores, in constant memory.

    Images keep their pixel type; float64 becomes float32. They are scaled by area averaging, labels by nearest
    neighbour. Pixels without data get the label `UNKNOWN`. Tiles do not overlap; those at the right and lower edges are
    padded to full size, images with zeros and labels with `UNKNOWN`.

    Args:
        tile: Side T of a tile in pixels at working resolution.
        scale: Working resolution over source resolution, at most 1.
        max_off_palette: Largest tolerated share (0..1) of a mask's pixels whose colours or codes are of no class.
        bands: Numbers, from 1, or names of the bands of the images; None for red, green and blue.
        like: What the images must be, for a split that validates; their own statistics are then not computed.
        codes: Of the classes, if the masks have codes; None if they have colours.

    Raises:
        LandcoverError: A line for each file that cannot be used, or whose images are unlike the others.
    """
    folder = Path(folder)
    masks = MaskFormat(classes, codes)

    @error_as_result
    def header_of(sample: Sample) -> SourceHeader:
        header = read_header(sample.image, bands)
        check_same_size(sample.mask, masks.size(sample.mask), sample.image, header.size)
        return header

    @error_as_result
    def tiles_of(number: int) -> _Decoded:
        sample = samples[number]
        header = header_of(sample)
        if not isinstance(header, SourceHeader):
            raise header
        with naming_memory_errors(sample.image):
            image, valid = read_image(sample.image, bands)
            labels, off_palette = masks.read(sample.mask)
            masks.check(sample.mask, off_palette, max_off_palette)
            image = scale_down(image, scale, valid)
            unseen = 0
            if valid is not None:
                unseen = int((labels[~valid] != UNKNOWN).sum())
                labels[~valid] = UNKNOWN
                valid = nearest(valid, image.shape[:2])
            labels = nearest(labels, image.shape[:2])
            statistics = None
            if not like and (valid is None or valid.any()):
                share = labels.size / pixels if pixels else 1
                statistics = statistics_of(image, valid, seed=number, share=share)
            tiles = cut(image, labels, tile, sample.name, len(classes))
            return _Decoded(tiles, off_palette.total, unseen, statistics)

    pixels, problems = 0, Problems()
    headers = list(problems.successes(parallel_map(header_of, samples)))
    if problems.lines:  # decode all samples, to name the other broken files as well
        more = Problems()
        deque(more.successes(parallel_map(tiles_of, range(len(samples)))), maxlen=0)
        more.raise_any()
        problems.raise_any()
    spec = check_alike([sample.image for sample in samples], headers, like)
    sizes = [scaled_size(header.size, scale) for header in headers]
    pixels = sum(height * width for height, width in sizes)
    statistics: BandStatistics | None = None
    off_palette = unseen = 0
    with writing_tiles(folder, classes, tile, spec) as writer:
        results = problems.successes(parallel_map(tiles_of, range(len(samples))))
        for decoded in tqdm(results, folder.name, total=len(samples), unit=" pairs", disable=None):
            writer.add(decoded.tiles)
            off_palette += decoded.off_palette
            unseen += decoded.unseen
            if statistics is None:
                statistics = decoded.statistics
            elif decoded.statistics is not None:
                statistics.add(decoded.statistics)
        problems.raise_any()
    if not like:
        spec = measured(spec, statistics, str(samples[0].image.parent))
    table, counts = writer.table(), writer.class_pixels()
    share = {name: count / pixels for name, count in counts.items()}
    labelled = pixels - counts[classes.ignore_name]
    return Prepared(len(samples), len(table), pixels, labelled, off_palette, unseen, share, spec)


class _Decoded(NamedTuple):
    """A decoded sample.

    Attributes:
        tiles: Cut from it.
        off_palette, unseen: See `Prepared`.
        statistics: Of the image, if they are needed and it has valid pixels.
    """

    tiles: Cut
    off_palette: int
    unseen: int
    statistics: BandStatistics | None
