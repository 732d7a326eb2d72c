import resource
import signal

import numpy as np
import pytest

from landcover.system.errors import LandcoverError
from landcover.system.npy import npy_file, npy_items, npy_strips


def test_an_array_written_piece_by_piece_is_the_one_that_numpy_would_write(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    with npy_file(tmp_path / "a.npy", array.shape, "|u1") as file:
        file.write(array[:2])
        file.write(array[2:])
    np.save(tmp_path / "b.npy", array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.parametrize("count", [0, 1, 12345])
def test_items_of_unknown_number_become_the_array_that_numpy_would_write(tmp_path, count):
    array = np.random.default_rng(0).integers(0, 60000, (count, 2, 3), np.uint16)
    with npy_items(tmp_path / "a.npy", (2, 3), "<u2") as add:
        for start in range(0, count, 1000):
            add(array[start : start + 1000])
    np.save(tmp_path / "b.npy", array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_an_array_written_strip_by_strip_is_the_one_that_numpy_would_write(tmp_path):
    array = np.random.default_rng(0).random((3, 10, 7), np.float32)
    with npy_strips(tmp_path / "a.npy", array.shape) as write:
        for top, bottom in ((0, 4), (4, 5), (5, 10)):
            write(array[:, top:bottom])
        assert not (tmp_path / "a.npy").exists()
    np.save(tmp_path / "b.npy", array)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_on_a_full_disk_the_file_is_named_and_nothing_is_left(tmp_path):
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        refused = pytest.raises(LandcoverError, match=r"a\.npy: cannot be written \(File too large\)")
        with refused, npy_strips(tmp_path / "a.npy", (1, 100, 100)) as write:
            write(np.zeros((1, 100, 100), np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []
