"""Write NumPy's `.npy` files piece by piece, so that the array need not fit into memory.

Not memory-mapped: on a full disk, writing to a mapped file ends the program by a signal, without a message.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from landcover.system.files import naming_write_errors, replacing

Array = np.ndarray[Any, np.dtype[Any]]


@contextmanager
def npy_file(path: Path, shape: tuple[int, ...], dtype: str) -> Iterator[BinaryIO]:
    """Open a new `.npy` file and write its header; the body writes the values, in C order.

    Args:
        path: Of the file.
        shape: Of the whole array.
        dtype: Of its values, with the byte order, such as "|u1" or "<f4".
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
        yield file


@contextmanager
def npy_items(path: Path, shape: tuple[int, ...], dtype: str) -> Iterator[Callable[[Array], None]]:
    """Yield a function that adds items, (n, *shape) at a time, to a new `.npy` file; their number comes out at the end.

    Args:
        path: Of the file.
        shape: Of an item.
        dtype: Of the values, see `npy_file`.
    """
    count = 0
    with npy_file(path, (0, *shape), dtype) as file:
        start = file.tell()

        def add(items: Array) -> None:
            nonlocal count
            file.write(np.ascontiguousarray(items, dtype).data)
            count += len(items)

        yield add
        file.seek(0)
        header = {"descr": dtype, "fortran_order": False, "shape": (count, *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        if file.tell() != start:  # NumPy leaves room for the first length to grow, since 1.24
            raise AssertionError(f"{path}: a header of another length")


@contextmanager
def npy_strips(path: Path, shape: tuple[int, int, int]) -> Iterator[Callable[[Array], None]]:
    """Yield a function that adds strips, float32 (C, rows, W) from the top down, to a `.npy` file of shape (C, H, W).

    The file appears at `path` when the body has ended without an error.

    Raises:
        LandcoverError: It cannot be written.
    """
    height, width = shape[1:]
    with replacing(path) as scratch, npy_file(scratch, shape, "<f4") as file:
        start, top = file.tell(), 0

        def write(strip: Array) -> None:
            nonlocal top
            with naming_write_errors(path):
                for channel, rows in enumerate(strip):
                    file.seek(start + 4 * width * (channel * height + top))
                    file.write(rows.astype("<f4").tobytes())
            top += strip.shape[1]

        yield write
