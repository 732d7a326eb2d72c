import re

import pytest

from landcover.report.selection import Ranking


def ranking(values):
    return Ranking.of(values, "mean IoU", "worst", "best")


def test_the_first_images_are_the_worst_the_median_the_best_and_a_random_one():
    order = ranking([index / 100 for index in range(101)]).priorities(0)
    assert sorted(order) == list(range(101))
    assert order[:4] == [0, 1, 50, 100]
    assert [order[5:9][i] for i in (0, 1, 3)] == [2, 3, 99] and abs(order[7] - 50) == 1


def test_the_mixture_is_the_same_however_many_are_shown():
    order = ranking([index / 1000 for index in range(1000)]).priorities(3)
    for count in (50, 100, 200):
        shown = set(order[:count])
        text = ranking([index / 1000 for index in range(1000)]).describe(shown, "images")
        low, middle, high, rest = (int(number) for number in re.findall(r"(\d+) (?:worst|around|best|chosen)", text))
        assert low + middle + high + rest == count
        assert set(range(low)) <= shown and set(range(1000 - high, 1000)) <= shown
        assert abs(low - 0.4 * count) <= 2 and abs(middle - 0.2 * count) <= 2 and abs(high - 0.2 * count) <= 2


def test_the_random_images_depend_on_the_seed_alone():
    values = [index / 100 for index in range(100)]
    assert ranking(values).priorities(1) == ranking(values).priorities(1)
    assert ranking(values).priorities(1)[4] != ranking(values).priorities(2)[4]


def test_without_values_images_are_chosen_at_random():
    chosen = ranking([None] * 50)
    order = chosen.priorities(0)
    assert sorted(order) == list(range(50)) and order != list(range(50))
    assert chosen.describe(order[:3], "windows") == "3 of 50 windows are shown: 3 chosen at random."


def test_images_without_a_value_are_neither_worst_nor_best():
    order = ranking([None, 0.2, 0.9, None, 0.1]).priorities(0)
    assert order[0] == 4 and sorted(order) == [0, 1, 2, 3, 4]
    assert ranking([None, None, 0.5]).priorities(0)[0] == 2


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (range(6), ""),
        ([], "None of 6 images is shown."),
        ([0], "1 of 6 images is shown, by mean IoU: the worst."),
        ([0, 2], "2 of 6 images are shown, by mean IoU: the worst and the median one."),
        ([0, 1, 3, 5], "4 of 6 images are shown, by mean IoU: the 2 worst, the best and 1 chosen at random."),
        ([0, 1, 2, 3, 5], "5 of 6 images are shown, by mean IoU: the 4 worst and the best."),
    ],
)
def test_the_sentence_says_exactly_what_is_shown(shown, text):
    assert ranking([0.0, 0.1, 0.2, 0.3, 0.4, 0.5]).describe(list(shown), "images") == text
