import pytest

from landcover.system.differences import differences, in_one_line

COLOURS = {"land": "#00ff00", "sea": "#0000ff", "ice": "#ffffff", "unknown": "#000000"}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"holdout": 4}, {"holdout": 0}, ["data.holdout = 4 (committed: 0)"]),
        ({"root": "a", "holdout": 0}, {"root": "b", "holdout": 0}, ["data.root = a (committed: b)"]),
        ({"ignore": None}, {"ignore": "unknown"}, ["data.ignore = null (committed: unknown)"]),
        ({"on": True}, {"on": False}, ["data.on = true (committed: false)"]),
        ({"on": True}, {"on": 1}, ["data.on = true (committed: 1)"]),
        ({"lr": "1e-05"}, {"lr": 0.00001}, []),  # as DVC writes it
        ({"lr": 1}, {"lr": 1.0}, []),
        ({"list": [1, 2, 3]}, {"list": [1, 2, 4]}, ["data.list = [1, 2, 3] (committed: [1, 2, 4])"]),
        ({"new": 1}, {}, ["data.new = 1 (committed: none)"]),
        ({}, {"old": 1}, ["data.old = none (committed: 1)"]),
        ({"classes": COLOURS}, {"classes": dict(COLOURS)}, []),
        (
            {"classes": COLOURS | {"sea": "#0000aa"}},
            {"classes": COLOURS},
            ["data.classes.sea = #0000aa (committed: #0000ff)"],
        ),
        ({"classes": {"roof": "#101010", "road": "#202020"}}, {"classes": COLOURS}, ["data.classes: 6 entries"]),
        ({"classes": COLOURS}, {"classes": dict(reversed(COLOURS.items()))}, ["data.classes: another order"]),
        ("junk", {"holdout": 0}, []),
        (None, None, []),
    ],
    ids=str,
)
def test_differences_are_listed_with_both_values(ours, theirs, expected):
    assert differences("data.", ours, theirs, "committed") == expected


def test_many_differences_are_shortened():
    found = differences("train.", {i: i for i in range(15)}, {}, "committed")
    assert in_one_line(found).endswith("train.9 = 9 (committed: none), and 5 more")


def test_values_of_any_size_and_depth_take_no_time():
    deep = []
    for _ in range(200):
        deep = [deep, deep]  # as aliases in YAML make it of a few lines
    assert differences("", {"a": deep}, {"a": "x"}, "committed") == ["a = a list (committed: x)"]
    assert len(differences("", {"a": "x" * 10**6}, {"a": "y"}, "committed")[0]) < 100
