"""What an earlier row of an experiment adds to a new one."""

from results.record import merged

TRAINED = {"minutes": 58, "machine": "2 cores", "commit": "1234567"}


def recorded(tta: str, trained: dict | None, **train) -> dict:
    return {
        "params": {"train": train},
        "training": {"epoch": 1},
        "trained": trained,
        "scores": {tta: {"mean_iou": 0.7}},
    }


def test_minutes_and_scores_of_the_same_training_are_kept():
    row = merged(recorded("d4", None, lr=0.1), recorded("none", TRAINED, lr=0.1))
    assert row["trained"] == TRAINED
    assert row["scores"].keys() == {"none", "d4"}


def test_a_new_time_replaces_the_old_one():
    slower = TRAINED | {"minutes": 70}
    assert merged(recorded("none", slower), recorded("none", TRAINED))["trained"] == slower


def test_of_another_training_nothing_is_kept():
    row = recorded("d4", None, lr=0.2)
    assert merged(row, recorded("none", TRAINED, lr=0.1)) == row
    assert merged(row, {}) == row
