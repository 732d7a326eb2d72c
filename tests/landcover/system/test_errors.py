import io
from contextlib import redirect_stdout

import pytest

from landcover.system.errors import LandcoverError, Problems, one_line_errors, say


@pytest.fixture(params=["utf-8", "ascii"])
def terminal(request):
    """What programs print to, of one encoding or the other."""
    return io.TextIOWrapper(io.BytesIO(), request.param)


def shown(terminal) -> str:
    terminal.flush()
    return terminal.buffer.getvalue().decode(terminal.encoding)


def test_output_is_one_line_for_any_name_and_terminal(terminal):
    with redirect_stdout(terminal), one_line_errors():
        say("gr\udcfcn\x1b\n grün 緑: 1 masks")
    expected = {"utf-8": "grün 緑", "ascii": r"gr\xfcn \u7dd1"}[terminal.encoding]
    assert shown(terminal) == rf"gr\udcfcn\x1b\n {expected}: 1 masks" + "\n"


def test_names_of_classes_are_printed_on_any_terminal(terminal):
    with redirect_stdout(terminal), one_line_errors():
        print("grün")
    assert shown(terminal) == {"utf-8": "grün\n", "ascii": "gr\\xfcn\n"}[terminal.encoding]


def test_errors_of_several_files_are_raised_together_each_once():
    problems = Problems()
    for name in ("a", "b", "a"):
        with problems.collecting():
            raise LandcoverError(f"{name}: broken", f"{name}: misnamed")
    with pytest.raises(LandcoverError) as error:
        problems.raise_any()
    assert error.value.lines == ("a: broken", "a: misnamed", "b: broken", "b: misnamed")


def test_without_errors_nothing_is_raised():
    problems = Problems()
    with problems.collecting():
        pass
    assert list(problems.successes([1, 2])) == [1, 2]
    problems.raise_any()


@pytest.mark.parametrize(("keep_going", "expected"), [(False, [1]), (True, [1, 2])])
def test_results_are_yielded_up_to_the_first_error_and_all_errors_are_collected(keep_going, expected):
    problems = Problems()
    results = [1, LandcoverError("a: broken"), 2, LandcoverError("b: broken")]
    assert list(problems.successes(results, keep_going=keep_going)) == expected
    assert problems.lines == ["a: broken", "b: broken"]
