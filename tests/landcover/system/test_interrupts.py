import os
import signal
import time

import pytest

from landcover.system.interrupts import StopRequest, restoring_handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_a_wish_and_one_told_twice_is_the_same(number):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
    assert signal.getsignal(number) is before


def test_a_later_signal_interrupts_at_once():
    with pytest.raises(KeyboardInterrupt), StopRequest():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1.1)
        os.kill(os.getpid(), signal.SIGINT)


def test_the_handling_of_a_signal_is_what_it_was():
    before = signal.getsignal(signal.SIGCHLD)
    with restoring_handler("SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGCHLD) is before
