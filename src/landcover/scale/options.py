"""Who does the work, and in which pieces: the choices that results do not depend on. Imports no Dask."""

from dataclasses import dataclass

from landcover.system.errors import LandcoverError

BLOCK = 4096
"""Pixels: default side of the blocks into which a map is divided."""

BLOCK_UNIT = 512
"""Pixels: sides of blocks are multiples of it, the side of the blocks in which GeoTIFFs are stored."""


@dataclass(frozen=True, kw_only=True)
class ScaleOptions:
    """Who does the work.

    Attributes:
        workers: Processes that are started on this machine, with one thread each, or one for each GPU; 0 for none.
        scheduler: Address of a Dask scheduler, such as tcp://10.0.0.5:8786, or the path of its scheduler file; None
            for none.
        block: Side in pixels of the blocks into which a map is divided.

    Raises:
        LandcoverError: One of them is out of range, or both `workers` and `scheduler` are given.
    """

    workers: int = 0
    scheduler: str | None = None
    block: int = BLOCK

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise LandcoverError(f"`workers` = {self.workers}: should be a whole number, at least 0.")
        if self.workers and self.scheduler:
            raise LandcoverError(
                f"`workers` = {self.workers}: are processes of this machine, but `scheduler` = {self.scheduler} has "
                "its own. Remove one of them."
            )
        if self.block < BLOCK_UNIT or self.block % BLOCK_UNIT:
            raise LandcoverError(f"`block` = {self.block}: should be a multiple of {BLOCK_UNIT}.")

    @property
    def is_distributed(self) -> bool:
        """Whether Dask is asked for."""
        return self.workers > 0 or self.scheduler is not None
