import io
from contextlib import redirect_stdout

import pytest

from landcover.system.errors import one_line_errors, say


@pytest.fixture(params=["utf-8", "ascii"])
def terminal(request):
    """What programs print to, of one encoding or the other."""
    return io.TextIOWrapper(io.BytesIO(), request.param)


def shown(terminal) -> str:
    terminal.flush()
    return terminal.buffer.getvalue().decode(terminal.encoding)


def test_what_was_made_is_said_in_one_line_whatever_its_name_and_the_terminal(terminal):
    with redirect_stdout(terminal), one_line_errors():
        say("gr\udcfcn\x1b\n grün 緑: 1 masks")
    expected = {"utf-8": "grün 緑", "ascii": r"gr\xfcn \u7dd1"}[terminal.encoding]
    assert shown(terminal) == rf"gr\udcfcn\x1b\n {expected}: 1 masks" + "\n"


def test_names_of_classes_reach_any_terminal(terminal):
    with redirect_stdout(terminal), one_line_errors():
        print("grün")
    assert shown(terminal) == {"utf-8": "grün\n", "ascii": "gr\\xfcn\n"}[terminal.encoding]
