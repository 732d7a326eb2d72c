"""How a model labels images: the choices that its file leaves open. Imports no PyTorch: --help names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

from landcover.system.errors import LandcoverError

TTA = {"none": 1, "flip": 2, "d4": 8}
"""Test-time augmentation: how many views of an image are averaged (itself; and mirrored; all eight symmetries)."""

ENGINES = ("auto", "torch", "onnxruntime", "openvino")
"""What computes the logits. `auto` is onnxruntime where the network is on a CPU, the package is installed and the
network can be translated for it; else PyTorch. onnxruntime runs the integers of a quantised model."""

ALIGNMENT = 32
"""Pixels at working resolution, the coarsest stride of the networks. Windows begin at multiples of it, so that their
features stand for the same pixels as those of the whole image would."""

SCALES = 0.25, 4.0
"""The smallest and the largest factor of test-time augmentation on the working resolution."""

SCALES_IN_WORDS = f"different numbers from {SCALES[0]:g} to {SCALES[1]:g}, at least one"

SMALLEST_WINDOW = 2 * ALIGNMENT
OVERLAP_LIMIT = 0.9
"""Overlaps are below this: at it, each pixel away from the borders would be computed a hundred times."""


@dataclass(frozen=True, kw_only=True)
class InferenceOptions:
    """How images are labelled.

    Attributes:
        tta: One of `TTA`; class probabilities are averaged over the views.
        scales: Factors on the working resolution, each in `SCALES`, at which each of these views is seen; class
            probabilities are averaged over them, too. A sequence, kept as a tuple.
        window: Side of the windows, in pixels at working resolution: a multiple of `ALIGNMENT`, at least
            `SMALLEST_WINDOW`. An image no larger than that is labelled as a whole.
        overlap: Share of a window's side that its neighbour covers as well, 0 to below `OVERLAP_LIMIT`; see
            `tiling.windows`.
        batch_size: Windows, side by side, that pass through the network together.
        engine: One of `ENGINES`.

    Raises:
        LandcoverError: One of them is of the wrong type or out of range.
    """

    tta: str = "none"
    scales: Sequence[float] = (1.0,)
    window: int = 512
    overlap: float = 0.25
    batch_size: int = 1
    engine: str = "auto"

    def __post_init__(self) -> None:
        if self.tta not in tuple(TTA):
            raise LandcoverError(f"tta = {self.tta!r}: should be one of {', '.join(TTA)}.")
        if not are_scales(self.scales):
            raise LandcoverError(f"scales = {self.scales!r}: should be {SCALES_IN_WORDS}.")
        object.__setattr__(self, "scales", tuple(map(float, self.scales)))
        if not _is_whole(self.window) or self.window < SMALLEST_WINDOW or self.window % ALIGNMENT:
            raise LandcoverError(
                f"window = {self.window!r}: should be a multiple of {ALIGNMENT}, at least {SMALLEST_WINDOW}."
            )
        if not _is_number(self.overlap) or not 0 <= self.overlap < OVERLAP_LIMIT:
            raise LandcoverError(f"overlap = {self.overlap!r}: should be a number from 0 to below {OVERLAP_LIMIT}.")
        if not _is_whole(self.batch_size) or self.batch_size < 1:
            raise LandcoverError(f"batch_size = {self.batch_size!r}: should be a whole number, at least 1.")
        if self.engine not in ENGINES:
            raise LandcoverError(f"engine = {self.engine!r}: should be one of {', '.join(ENGINES)}.")

    @property
    def reach(self) -> float:
        """How many times as far the smallest of the scales sees as the network does at the working resolution."""
        return max(1.0, 1 / min(self.scales))


def are_scales(values: object) -> bool:
    """Whether these can be the factors of test-time augmentation: `SCALES_IN_WORDS`."""
    return (
        isinstance(values, Sequence)
        and not isinstance(values, str)
        and all(_is_number(value) and SCALES[0] <= value <= SCALES[1] for value in values)
        and 0 < len(values) == len(set(values))
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral)


def _is_number(value: object) -> bool:
    return isinstance(value, Real)


DEFAULTS = InferenceOptions()
