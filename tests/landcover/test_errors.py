import io
from contextlib import redirect_stdout

import pytest

from landcover.errors import errors_in_one_line, say


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "gr\\udcfcn\\x1b\\n grün 緑: 1 masks\n"), ("ascii", "gr\\udcfcn\\x1b\\n gr\\xfcn \\u7dd1: 1 masks\n")],
)
def test_what_was_made_is_said_in_one_line_whatever_its_name_and_the_terminal(encoding, expected):
    screen = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(screen, encoding)), errors_in_one_line():
        say("gr\udcfcn\x1b\n grün 緑: 1 masks")
    assert screen.getvalue().decode(encoding) == expected


def test_names_of_classes_reach_any_terminal():
    screen = io.BytesIO()
    with redirect_stdout(io.TextIOWrapper(screen, "ascii")), errors_in_one_line():
        print("grün")
    assert screen.getvalue() == b"gr\\xfcn\n"
