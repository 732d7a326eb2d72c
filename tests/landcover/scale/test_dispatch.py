"""Items that can be divided, and that tell how far they are."""

import time
from pathlib import Path

import pytest

from landcover.scale.work import report
from landcover.system.errors import LandcoverError


def add_up(task):
    """The sum of numbers; unless one of them is 13, which is noted in a folder."""
    numbers, folder = task
    for number in numbers:
        report(number)
        if number == 13:
            with (Path(folder) / "attempts").open("a") as file:
                file.write(f"{len(numbers)}\n")
            raise LandcoverError("13.tif: unlucky. Take another.")
    return sum(numbers)


def tell_for_a_minute(path):
    """Report again and again; remove the file at the end, whatever ends it."""
    path.touch()
    try:
        for _ in range(600):
            time.sleep(0.1)
            report(0)
    finally:
        path.unlink()


def divided(task):
    numbers, folder = task
    return [((number,), folder) for number in numbers]


def test_an_item_that_fails_twice_is_divided_and_only_the_bad_part_of_it_fails(cluster, tmp_path):
    before, folder = cluster.retries, str(tmp_path)
    tasks = [((1, 2, 3), folder), ((10, 13, 15), folder), ((4,), folder)]
    results = {task[0]: result for task, result in cluster.map(add_up, tasks, lambda _: "it", divide=divided)}
    assert str(results.pop((13,))) == "it: failed 3 times, at last because: 13.tif: unlucky. Take another."
    assert results == {(1, 2, 3): 6, (4,): 4, (10,): 10, (15,): 15}
    assert (tmp_path / "attempts").read_text().split() == ["3", "3", "1", "1", "1"]
    assert cluster.retries - before == 1 + 3 + 2


def test_what_items_tell_arrives_here(cluster, tmp_path):
    heard = []
    tasks = [(tuple(range(start, start + 3)), str(tmp_path)) for start in (100, 200)]
    results = list(cluster.map(add_up, tasks, lambda _: "it", on_report=heard.append))
    assert len(results) == 2
    assert set(heard) <= {100, 101, 102, 200, 201, 202}
    assert len(heard) >= 3  # the last ones may come after the result


def test_what_nobody_waits_for_ends_where_it_tells_how_far_it_is(cluster, tmp_path):
    def begun(_):
        if len(list(tmp_path.iterdir())) == 2:
            raise InterruptedError

    results = cluster.map(tell_for_a_minute, [tmp_path / str(i) for i in range(4)], str, on_report=begun)
    with pytest.raises(InterruptedError):
        next(results)
    assert not list(tmp_path.iterdir())
