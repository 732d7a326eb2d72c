import fcntl
import os
import pty
import struct
import sys
import termios
from subprocess import Popen

import pytest

CODE = """
import time
from landcover.system.progress_bar import progress_bar
for _ in progress_bar("predict", 2, "images", range(2), quiet={quiet}):
    time.sleep(1.1)
with progress_bar("a.tif", 2.5, "megapixels", decimals=1, quiet={quiet}) as bar:
    bar.update(2.5)
"""


def shown(size, quiet=False):
    """What a terminal of this size, (rows, columns), shows of two bars."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    environment = {"PYTHONPATH": ":".join(sys.path)}
    process = Popen([sys.executable, "-c", CODE.format(quiet=quiet)], stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 4096):
            text += part
    except OSError:  # how Linux says that it is the end
        pass
    os.close(ours)
    assert process.wait() == 0
    return text.decode()


@pytest.mark.parametrize("size", [(40, 120), (0, 0)])
def test_a_terminal_is_told_how_many_a_second_however_slow_and_of_whatever_size_it_is(size):
    text = shown(size)
    assert "2/2 images [" in text
    assert "images/s]" in text
    assert "s/ images" not in text
    assert "2.5/2.5 megapixels [" in text
    assert "megapixels/s]" in text


def test_quiet_is_quiet():
    assert shown((40, 120), quiet=True) == ""
