import pytest

from landcover.system.errors import LandcoverError
from landcover.training.recipe import Recipe
from stages.common.runner import naming_keys, run
from stages.predict import Predict


def test_arguments_in_errors_become_keys_of_the_blocks_that_the_stage_reads():
    with pytest.raises(LandcoverError) as error, naming_keys(train=Recipe):
        raise LandcoverError("`crop` = 1: raise `crop` or lower `accumulate`.", "a file: `tta` and crop stay.")
    assert error.value.lines == (
        "train.crop = 1: raise train.crop or lower train.accumulate.",
        "a file: `tta` and crop stay.",
    )


def test_an_argument_has_the_key_of_the_block_of_this_stage():
    with pytest.raises(LandcoverError, match=r"^predict\.batch_size = 0$"), naming_keys(predict=Predict):
        raise LandcoverError("`batch_size` = 0")


def test_a_stage_that_fails_ends_in_one_line_with_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def main():
        raise LandcoverError("`lr` = 9: lower it.")

    with pytest.raises(SystemExit) as end:
        run(main, train=Recipe)
    assert end.value.code == "error: train.lr = 9: lower it."
