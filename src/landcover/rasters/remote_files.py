"""Rasters elsewhere, read by GDAL in ranges of bytes, but never through GDAL's own access to the network.

GDAL's (/vsicurl/ and the like) keeps what an answer that was cut off brought, and goes on with that, follows names in
files, and is steered by options of the whole process. So GDAL gets one file object, for one name, by rasterio's plugin
for virtual file systems: nothing but this file exists for it, and a read that fails is remembered and raised, whatever
GDAL makes of it. Needs rasterio and obstore (the extra remote).
"""

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock
from typing import Any

from rasterio._vsiopener import _opener_registration
from rasterio.abc import MultiByteRangeResourceContainer

from landcover.rasters.checked_reader import CheckedReader
from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote
from landcover.system.object_store import changed, read_range

_BLOCK = 64 << 10  # bytes that are read and kept together
_KEPT = 256  # blocks: 16 MB
_LONGEST = 64  # blocks of one request: 4 MB
_REQUESTS = 8  # at a time


class RemoteFile:
    """A file elsewhere, as GDAL reads it: by ranges, of which the latest are kept.

    Attributes:
        place: As given.
        size: In bytes.
        error: Why the first of its reads failed that did.

    Raises:
        LandcoverError: There is none, or its beginning cannot be read.
    """

    def __init__(self, place: Remote) -> None:
        self.place = place
        self.error: LandcoverError | None = None
        self._lock = Lock()
        first, self.size, self._version = read_range(place, 0, _BLOCK)
        self._kept: OrderedDict[int, bytes] = OrderedDict({0: first})

    def read_ranges(self, offsets: Sequence[int], sizes: Sequence[int]) -> list[bytes]:
        """Read several ranges, as far as they lie within the file; once a read has failed, zeros.

        GDAL, which calls this, has no use for exceptions: `check` raises them afterwards.
        """
        with self._lock:
            if not self.error:
                try:
                    return self._ranges(offsets, sizes)
                except LandcoverError as error:
                    self.error = error
            return [bytes(max(min(size, self.size - offset), 0)) for offset, size in zip(offsets, sizes, strict=True)]

    def check(self) -> None:
        """Raise the error of a read that failed, if one did."""
        if self.error:
            raise LandcoverError(*self.error.lines)

    def _ranges(self, offsets: Sequence[int], sizes: Sequence[int]) -> list[bytes]:
        ends = [min(offset + size, self.size) for offset, size in zip(offsets, sizes, strict=True)]
        spans = [range(offset // _BLOCK, -(-end // _BLOCK)) for offset, end in zip(offsets, ends, strict=True)]
        needed = sorted({block for span in spans for block in span})
        blocks = {block: self._kept[block] for block in needed if block in self._kept}
        runs: list[list[int]] = []
        for block in needed:
            if block in blocks:
                continue
            if runs and runs[-1][-1] == block - 1 and len(runs[-1]) < _LONGEST:
                runs[-1].append(block)
            else:
                runs.append([block])
        if len(runs) > 1:
            with ThreadPoolExecutor(min(len(runs), _REQUESTS)) as pool:
                found = list(pool.map(self._fetch, runs))
        else:
            found = [self._fetch(run) for run in runs]
        for run, content in zip(runs, found, strict=True):
            for i, block in enumerate(run):
                blocks[block] = content[i * _BLOCK : (i + 1) * _BLOCK]
        for block in needed[-_KEPT:]:
            self._kept[block] = blocks[block]
            self._kept.move_to_end(block)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        result = []
        for offset, end, span in zip(offsets, ends, spans, strict=True):
            content = b"".join(blocks[block] for block in span)
            result.append(content[offset - span.start * _BLOCK : end - span.start * _BLOCK] if end > offset else b"")
        return result

    def _fetch(self, run: Sequence[int]) -> bytes:
        start, end = run[0] * _BLOCK, min((run[-1] + 1) * _BLOCK, self.size)
        content, size, version = read_range(self.place, start, end)
        if (size, version) != (self.size, self._version):
            raise changed(self.place)
        return content


class _Handle:
    """An open `RemoteFile` with a position."""

    def __init__(self, file: RemoteFile) -> None:
        self._file, self._position = file, 0

    def __enter__(self) -> "_Handle":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int = -1) -> bytes:
        (content,) = self._file.read_ranges([self._position], [self._file.size if size < 0 else size])
        self._position += len(content)
        return content

    def get_byte_ranges(self, offsets: Sequence[int], sizes: Sequence[int]) -> list[bytes]:
        return self._file.read_ranges(offsets, sizes)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._file.size)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        pass


class _OneFile(MultiByteRangeResourceContainer):  # type: ignore[misc] # rasterio is not typed here
    """A file system in which nothing but one file exists."""

    def __init__(self, name: str, file: RemoteFile) -> None:
        self._name, self._file = name, file

    def _check(self, path: str) -> RemoteFile:
        if path.lstrip("/") != self._name:
            raise FileNotFoundError(path)
        return self._file

    def open(self, path: str, mode: str = "r", **_: Any) -> _Handle:
        if "w" in mode or "+" in mode or "a" in mode:
            raise FileNotFoundError(path)
        return _Handle(self._check(path))

    def isfile(self, path: str) -> bool:
        return path.lstrip("/") == self._name

    def isdir(self, path: str) -> bool:
        return False

    def ls(self, path: str) -> list[str]:
        return []

    def mtime(self, path: str) -> int:
        return 0

    def size(self, path: str) -> int:
        return self._check(path).size

    def rm(self, path: str) -> None:
        raise FileNotFoundError(path)


def open_remote(place: Remote, drivers: Sequence[str], stack: ExitStack) -> CheckedReader:
    """Open a raster elsewhere; neither sidecars nor any other file is read with it.

    Args:
        place: The file.
        drivers: GDAL's names of the formats that are tried.
        stack: Closes it when it ends.

    Raises:
        LandcoverError: There is no such file, or it cannot be read.
    """
    file = RemoteFile(place)
    name = f"raster{place.suffix}"  # for GDAL: without credentials, and not to be mistaken for another kind of name
    path = stack.enter_context(_opener_registration(name, _OneFile(name, file)))
    try:
        dataset: CheckedReader = stack.enter_context(CheckedReader(path, driver=list(drivers)))
    finally:
        file.check()
    dataset.remote = (file,)
    return dataset
