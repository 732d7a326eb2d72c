"""Decode a folder of samples into tiles that training can read without decoding."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.code_table import CodeTable
from landcover.data.source_images import SourceHeader, check_alike, read_header, read_image
from landcover.data.statistics import BandStatistics, measured, statistics_of
from landcover.data.tile_files import Cut, Prepared, cut, tile_bytes, writing_tiles
from landcover.images.image_spec import ImageSpec
from landcover.images.pairs import Sample, check_same_size
from landcover.images.resizing import nearest, scale_down, scaled_size
from landcover.rasters.masks import MaskFormat
from landcover.system.errors import LandcoverError, Problems, naming_memory_errors
from landcover.system.mapping import Mapper, map_in_threads
from landcover.system.parallel import error_as_result


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
    mapper: Mapper = map_in_threads,
) -> Prepared:
    """Decode all samples, cut them into tiles and write them to a new `folder`, in constant memory.

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
        mapper: Decodes the samples; by default on all cores. What is written does not depend on it.

    Raises:
        LandcoverError: A line for each file that cannot be used, or whose images are unlike the others.
    """
    folder = Path(folder)
    masks = MaskFormat(classes, codes)
    problems, numbered = Problems(), list(enumerate(samples))
    found = list(mapper(_Headers(masks, bands), samples))
    headers = [header for header in found if not isinstance(header, LandcoverError)]
    decoding = _Decoding(masks, bands, tile, scale, max_off_palette)
    if len(headers) < len(samples):  # decode the others, to name those of them that are broken as well
        fine = [pair for pair, header in zip(numbered, found, strict=True) if not isinstance(header, LandcoverError)]
        others = mapper(decoding, fine)
        every = (header if isinstance(header, LandcoverError) else next(others) for header in found)
        deque(problems.successes(every), maxlen=0)
        problems.raise_any()
    spec = check_alike([sample.image for sample in samples], headers, like)
    sizes = [scaled_size(header.size, scale) for header in headers]
    pixels = sum(height * width for height, width in sizes)
    result_bytes = tile_bytes(spec, max(height * width for height, width in sizes))
    decoding = replace(decoding, pixels=None if like else pixels, result_bytes=result_bytes)
    statistics: BandStatistics | None = None
    off_palette = unseen = 0
    with writing_tiles(folder, classes, tile, spec) as writer:
        results = problems.successes(mapper(decoding, numbered))
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


@dataclass(frozen=True)
class _Headers:
    """Work on samples: the headers of their images; errors are results.

    Attributes:
        masks: Their format.
        bands: See `prepare`.
    """

    masks: MaskFormat
    bands: Sequence[int | str] | None
    result_bytes = 0

    def opened(self, threads: int) -> AbstractContextManager[Callable[[Sample], SourceHeader | LandcoverError]]:
        """See `mapping.Work`."""
        return nullcontext(error_as_result(self.read))

    def describe(self, sample: Sample) -> str:
        """See `mapping.Work`."""
        return str(sample.image)

    def read(self, sample: Sample) -> SourceHeader:
        """The header of an image, which has the size of its mask."""
        header = read_header(sample.image, self.bands)
        check_same_size(sample.mask, self.masks.size(sample.mask), sample.image, header.size)
        return header


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


@dataclass(frozen=True)
class _Decoding:
    """Work on samples with their numbers: decode them, and cut them into tiles; errors are results.

    Attributes:
        masks: Their format.
        bands, tile, scale, max_off_palette: See `prepare`.
        pixels: Of all samples at working resolution; None if statistics are not needed.
        result_bytes: See `mapping.Work`.
    """

    masks: MaskFormat
    bands: Sequence[int | str] | None
    tile: int
    scale: float
    max_off_palette: float
    pixels: int | None = None
    result_bytes: int = 0

    def opened(self, threads: int) -> AbstractContextManager[Callable[[tuple[int, Sample]], _Decoded | LandcoverError]]:
        """See `mapping.Work`."""
        return nullcontext(error_as_result(self.decode))

    def describe(self, numbered: tuple[int, Sample]) -> str:
        """See `mapping.Work`."""
        return str(numbered[1].image)

    def decode(self, numbered: tuple[int, Sample]) -> _Decoded:
        """Decode a sample."""
        number, sample = numbered
        with naming_memory_errors(sample.image):
            image, valid = read_image(sample.image, self.bands)
            labels, off_palette = self.masks.read(sample.mask)
            check_same_size(sample.mask, labels.shape, sample.image, image.shape[:2])
            self.masks.check(sample.mask, off_palette, self.max_off_palette)
            image = scale_down(image, self.scale, valid)
            unseen = 0
            if valid is not None:
                unseen = int((labels[~valid] != UNKNOWN).sum())
                labels[~valid] = UNKNOWN
                valid = nearest(valid, image.shape[:2])
            labels = nearest(labels, image.shape[:2])
            statistics = None
            if self.pixels is not None and (valid is None or valid.any()):
                statistics = statistics_of(image, valid, seed=number, share=labels.size / self.pixels)
            tiles = cut(image, labels, self.tile, sample.name, len(self.masks.classes))
            return _Decoded(tiles, off_palette.total, unseen, statistics)
