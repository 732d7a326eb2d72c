import pickle

import pytest
import torch

from landcover.training.checkpoints import Checkpoint, fingerprint


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scratch" / "train.pt"


STATE = {"weights": {"a": torch.arange(1000.0)}, "rows": [{"epoch": 1, "mean_iou": None}], "best": None}


def test_what_was_saved_is_loaded_and_can_be_deleted(path):
    checkpoint = Checkpoint(path, "same")
    assert checkpoint.load() is None
    checkpoint.save(STATE)
    loaded = checkpoint.load()
    assert loaded["weights"]["a"].equal(STATE["weights"]["a"])
    assert loaded["rows"] == STATE["rows"]
    checkpoint.delete()
    assert checkpoint.load() is None
    assert not path.parent.exists()


def test_the_state_of_another_training_is_not_used(path, capsys):
    Checkpoint(path, "one").save(STATE)
    assert Checkpoint(path, "other").load() is None
    assert capsys.readouterr().out == f"{path}: of other params, data or code, not used: training starts anew.\n"


def test_what_a_save_that_was_killed_left_goes_with_the_file(path):
    checkpoint = Checkpoint(path, "same")
    checkpoint.save(STATE)
    (path.parent / ".partial-train.pt").mkdir()  # killed after it had renamed the file, before it cleared away
    checkpoint.delete()
    assert not path.parent.exists()


def test_a_checkpoint_for_which_there_is_no_memory_is_not_thrown_away(path, monkeypatch):
    checkpoint = Checkpoint(path, "same")
    checkpoint.save(STATE)

    def load(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000 bytes")

    monkeypatch.setattr("torch.load", load)
    with pytest.raises(RuntimeError, match="allocate memory"):
        checkpoint.load()


class Malice:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "text", "pickle", "list"])
def test_a_damaged_file_is_not_used_and_never_run(path, capsys, damage):
    checkpoint = Checkpoint(path, "same")
    checkpoint.save(STATE)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # in the middle of the weights
    if damage == "list":
        torch.save([1, 2], path)
    else:
        damaged = {
            "cut": content[:-10],
            "bit": content,
            "empty": b"",
            "text": b"weights",
            "pickle": pickle.dumps(Malice()),
        }
        path.write_bytes(damaged[damage])
    assert checkpoint.load() is None
    output = capsys.readouterr().out
    assert output.startswith(f"{path}: damaged (")
    assert output.count("\n") == 1
    assert "executed" not in output


def test_a_fingerprint_tells_settings_and_contents_apart(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    prints = [fingerprint({"lr": 1}, [one]), fingerprint({"lr": 2}, [one]), fingerprint({"lr": 1}, [other])]
    assert len(set(prints)) == 3
    assert fingerprint({"lr": 1}, [one]) == prints[0]
    one.write_bytes(b"3")
    assert fingerprint({"lr": 1}, [one]) != prints[0]


ALTERATIONS = {
    "a weight": lambda state: state["weights"]["a"].__setitem__(3, 4.0),
    "a type": lambda state: state["weights"].update(a=state["weights"]["a"].int()),
    "a shape": lambda state: state["weights"].update(a=state["weights"]["a"].view(10, 100)),
    "a number": lambda state: state["rows"][0].update(epoch=2),
    "a key less": lambda state: state.pop("best"),
    "a key more": lambda state: state.update(more=1),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_altered_contents_are_not_used(path, capsys, what):
    checkpoint = Checkpoint(path, "same")
    checkpoint.save(STATE)
    content = torch.load(path, weights_only=True)
    ALTERATIONS[what](content["state"])
    torch.save(content, path)
    assert checkpoint.load() is None
    said = "damaged (content and digest differ), not used: training starts anew."
    assert capsys.readouterr().out == f"{path}: {said}\n"
