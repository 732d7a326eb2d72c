import os
import signal
import time

import pytest

from landcover.system.interrupts import StopWish, handling_kept


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_a_wish_and_one_told_twice_is_the_same(number):
    before = signal.getsignal(number)
    with StopWish() as stop:
        assert not stop.there
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.there
    assert signal.getsignal(number) is before


def test_a_later_signal_interrupts_at_once():
    with pytest.raises(KeyboardInterrupt), StopWish():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1.1)
        os.kill(os.getpid(), signal.SIGINT)


def test_the_handling_of_a_signal_is_what_it_was():
    before = signal.getsignal(signal.SIGCHLD)
    with handling_kept("SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGCHLD) is before
