import os
import signal
import time
from itertools import count
from multiprocessing import active_children

import pytest

from landcover.system.errors import LandcoverError
from landcover.training.batches import Batches
from landcover.training.prefetching import read_ahead


@pytest.fixture
def reading(tiles, classes):
    """A function that begins to read batches ahead without end, and returns what yields them."""

    def reading(workers, patience):
        batches = Batches(tiles, tiles.class_pixels(classes), size=32, batch_size=4, seed=0)
        found = read_ahead(batches, ((0, step) for step in count()), workers, pin_memory=False, patience=patience)
        next(found)
        return found

    return reading


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_readers_that_stand_still_are_given_up(reading, seconds):
    found = reading(workers=2, patience=1)
    time.sleep(seconds)  # in which they read ahead
    for reader in active_children():
        os.kill(reader.pid, signal.SIGSTOP)
    with pytest.raises(LandcoverError, match=r"^train\.workers: no batch has come for 1 seconds\. Look whether"):
        for _ in found:
            pass
    assert not active_children()


def test_a_reader_that_dies_is_told_long_before_patience_ends(reading):
    found = reading(workers=2, patience=600)
    os.kill(active_children()[0].pid, signal.SIGKILL)
    begin = time.monotonic()
    with pytest.raises(LandcoverError, match=r"^train\.workers: a process that reads batches ahead has died"):
        for _ in found:
            pass
    assert time.monotonic() < begin + 30


def test_patience_counts_for_each_batch_anew_and_not_while_one_is_used(reading):
    found = reading(workers=1, patience=1)
    for _ in range(3):
        time.sleep(1.1)
        next(found)


def test_without_readers_nobody_is_given_up(reading):
    assert next(reading(workers=0, patience=1)).images.shape == (4, 32, 32, 3)
