import os
import sys

from landcover.geo.silence import libraries_silenced


def test_libraries_are_silent_and_python_is_not(capfd):
    with libraries_silenced():
        os.write(2, b"library")
        print("python", file=sys.stderr)
    os.write(2, b"again")
    assert capfd.readouterr().err == "python\nagain"
