"""The files of a report: images, masks and confidence, read at the size at which the page shows them."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from landcover.classes.class_table import UNKNOWN, ClassTable
from landcover.classes.code_table import CodeTable
from landcover.images.pairs import check_same_size
from landcover.report.any_size import (
    LARGE,
    ReadRows,
    file_size,
    opened_confidence,
    opened_mask,
    read_degrees,
    read_image,
)
from landcover.report.content import Labelled
from landcover.report.reduction import find_reduction, middle_rows, strips
from landcover.scoring.calibration import Calibration
from landcover.system.errors import Problems, naming_memory_errors

_large_files = threading.Lock()  # one at a time: memory must not grow with the number of cores


@dataclass(frozen=True)
class PageFiles:
    """The files of the images of a page, by name. All but the predictions may be missing, also of some images.

    Attributes:
        classes: Of all masks.
        predictions, images, truths, others, confidences: Files by name. Those of an image have one size.
        bands: Of the images, see `any_size.read_image`.
        true_codes: Of the classes, if the true masks have codes instead of colours.
        valid_mask: Returns where the image of a name has data, bool (H, W), or None for everywhere: elsewhere its truth
            counts as unknown.
    """

    classes: ClassTable
    predictions: Mapping[str, Path]
    images: Mapping[str, Path] = field(default_factory=dict)
    truths: Mapping[str, Path] = field(default_factory=dict)
    others: Mapping[str, Path] = field(default_factory=dict)
    confidences: Mapping[str, Path] = field(default_factory=dict)
    bands: Sequence[int | str] | None = None
    true_codes: CodeTable | None = None
    valid_mask: Callable[[str], np.ndarray | None] = lambda _: None

    def check(self, name: str) -> None:
        """Return if all files of an image can be opened and have the same size.

        Raises:
            LandcoverError: A line for each that cannot or has not.
        """
        problems = Problems()
        path = self.predictions[name]
        with problems.collecting():
            size = file_size(path)
            for files in (self.images, self.truths, self.others, self.confidences):
                if name in files:
                    with problems.collecting():
                        check_same_size(files[name], file_size(files[name]), path, size)
        problems.raise_any()

    def load(self, name: str) -> Labelled:
        """Read an image as the page shows it, see `pixels.reduced`; of any size, in little memory.

        Raises:
            LandcoverError: A line for each of its files that cannot be read or is of another size than the others.
        """
        with self._taking_turns(name) as size:
            return self._read(name, size)

    def calibrate(self, name: str) -> Calibration:
        """Count the pixels of an image by confidence, and those that are predicted right; without truth all are.

        Raises:
            LandcoverError: As `load`; or it has no file of confidence.
        """
        with self._taking_turns(name) as (height, width), ExitStack() as stack:
            predicted = stack.enter_context(opened_mask(self.predictions[name], self.classes))
            truth = stack.enter_context(self._opened_truth(name)) if name in self.truths else predicted
            confidence = stack.enter_context(opened_confidence(self.confidences[name]))
            counts = Calibration()
            for rows in strips(height, width):
                counts += Calibration.of(truth(*rows), predicted(*rows), confidence(*rows))
        return counts

    @contextmanager
    def _taking_turns(self, name: str) -> Iterator[tuple[int, int]]:
        """Check an image; yield its size, while no other large image is read."""
        self.check(name)
        height, width = file_size(self.predictions[name])
        with _large_files if height * width > LARGE else nullcontext():
            yield height, width

    def _read(self, name: str, size: tuple[int, int]) -> Labelled:
        factor, problems = find_reduction(*size), Problems()
        layers: dict[str, np.ndarray] = {}
        sources: dict[str, tuple[Mapping[str, Path], Callable[[], AbstractContextManager[ReadRows]]]] = {
            "prediction": (self.predictions, lambda: opened_mask(self.predictions[name], self.classes)),
            "truth": (self.truths, lambda: self._opened_truth(name)),
            "other": (self.others, lambda: opened_mask(self.others[name], self.classes)),
            "confidence": (self.confidences, lambda: opened_confidence(self.confidences[name])),
        }
        for layer, (files, opened) in sources.items():
            if name in files:
                with problems.collecting(), naming_memory_errors(files[name]), opened() as read:
                    layers[layer] = middle_rows(read, *size, factor)
        bands, degrees = "", None
        if name in self.images:
            with problems.collecting(), naming_memory_errors(self.images[name]):
                layers["image"], bands = read_image(self.images[name], self.bands, factor)
        for files in (self.images, self.predictions):
            if name in files and degrees is None:
                with problems.collecting():
                    degrees = read_degrees(files[name])
        problems.raise_any()
        return Labelled(**layers, bands=bands, degrees=degrees, reduction=factor, size=size)

    @contextmanager
    def _opened_truth(self, name: str) -> Iterator[ReadRows]:
        """The truth of an image, unknown where it has no data."""
        valid = self.valid_mask(name)
        with opened_mask(self.truths[name], self.classes, self.true_codes) as read:
            if valid is None:
                yield read
            else:
                yield lambda top, bottom: np.where(valid[top:bottom], read(top, bottom), np.uint8(UNKNOWN))
