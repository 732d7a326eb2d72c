"""Datasets that raise what went wrong in reading files elsewhere. Needs rasterio."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from rasterio.io import DatasetReader


class Checked(Protocol):
    """A file of which reads may have failed, such as a `remote_files.RemoteFile`."""

    def check(self) -> None:
        """Raise the error of a read that failed, if one did."""


class CheckedReader(DatasetReader):  # type: ignore[misc] # rasterio is not typed here
    """A dataset that reads files elsewhere: it raises their errors, even if GDAL went on without what was missing.

    Attributes:
        remote: These files.
    """

    remote: tuple[Checked, ...] = ()

    def read(self, *arguments: Any, **options: Any) -> Any:  # noqa: D102 (as of rasterio)
        return self._checked(super().read, *arguments, **options)

    def read_masks(self, *arguments: Any, **options: Any) -> Any:  # noqa: D102 (likewise)
        return self._checked(super().read_masks, *arguments, **options)

    def _checked(self, read: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return read(*arguments, **options)
        finally:
            for file in self.remote:
                file.check()


def open_above(name: str, drivers: Sequence[str], sources: Iterable[DatasetReader]) -> DatasetReader:
    """Open a dataset that is made of others, such as a VRT in memory: a `CheckedReader` if one of them is elsewhere."""
    remote = tuple(file for source in sources if isinstance(source, CheckedReader) for file in source.remote)
    if not remote:
        return DatasetReader(name, driver=list(drivers))
    dataset = CheckedReader(name, driver=list(drivers))
    dataset.remote = remote
    return dataset
