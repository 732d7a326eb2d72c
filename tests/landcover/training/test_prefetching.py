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
    """A function that starts to read batches ahead, endlessly, and returns their iterator."""

    def reading(workers, timeout):
        batches = Batches(tiles, tiles.class_pixels(classes), size=32, batch_size=4, seed=0)
        found = read_ahead(batches, ((0, step) for step in count()), workers, pin_memory=False, timeout=timeout)
        next(found)
        return found

    return reading


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_a_wait_for_suspended_workers_ends(reading, seconds):
    found = reading(workers=2, timeout=1)
    time.sleep(seconds)  # in which they read ahead
    for worker in active_children():
        os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(LandcoverError, match=r"^`workers`: no batch has come for 1 seconds\. Check that"):
        for _ in found:
            pass
    assert not active_children()


def test_the_death_of_a_worker_is_noticed_long_before_the_timeout(reading):
    found = reading(workers=2, timeout=600)
    os.kill(active_children()[0].pid, signal.SIGKILL)
    begin = time.monotonic()
    with pytest.raises(LandcoverError, match=r"^`workers`: a process that reads batches ahead has died"):
        for _ in found:
            pass
    assert time.monotonic() < begin + 30


def test_the_timeout_is_per_batch_and_does_not_include_the_time_in_which_a_batch_is_used(reading):
    found = reading(workers=1, timeout=1)
    for _ in range(3):
        time.sleep(1.1)
        next(found)


def test_without_workers_there_is_no_timeout(reading):
    assert next(reading(workers=0, timeout=1)).images.shape == (4, 32, 32, 3)
