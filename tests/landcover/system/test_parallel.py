import pytest

from landcover.system.errors import LandcoverError, Problems, collecting_messages, note
from landcover.system.parallel import chunked_map, error_as_result, parallel_map


def test_results_come_in_order_and_few_are_held_in_memory():
    begun = []
    results = parallel_map(lambda item: begun.append(item) or item * item, range(1000), workers=2)
    assert [next(results) for _ in range(10)] == [i * i for i in range(10)]
    assert len(begun) <= 10 + 2 * 2
    assert list(results) == [i * i for i in range(10, 1000)]


def test_an_error_is_raised_when_its_result_is_due():
    results = parallel_map(lambda item: 1 / (item - 2), range(10), workers=2)
    assert [next(results), next(results)] == [-0.5, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_in_chunks_nothing_is_computed_while_results_are_consumed():
    begun = []
    results = chunked_map(lambda item: begun.append(item) or item * item, range(1000))
    first = [next(results)]
    chunk = len(begun)
    first += [next(results) for _ in range(chunk - 1)]
    assert len(begun) == chunk < 1000
    assert [*first, *results] == [i * i for i in range(1000)]


def test_errors_of_items_are_results_that_can_be_collected():
    @error_as_result
    def half(item):
        if item % 2:
            raise LandcoverError(f"{item}: odd")
        return item // 2

    problems = Problems()
    assert list(problems.successes(parallel_map(half, range(5)), keep_going=True)) == [0, 1, 2]
    assert problems.lines == ["1: odd", "3: odd"]


def test_messages_of_threads_are_collected_where_their_caller_collects(capsys):
    with collecting_messages() as outer:
        list(parallel_map(lambda item: note(f"outer {item}"), range(3), workers=2))
        with collecting_messages() as inner:
            list(parallel_map(note, ["inner"], workers=2))
    list(parallel_map(note, ["printed"], workers=1))
    assert sorted(outer) == ["note: outer 0", "note: outer 1", "note: outer 2"]
    assert inner == ["note: inner"]
    assert capsys.readouterr().err == "note: printed\n"
