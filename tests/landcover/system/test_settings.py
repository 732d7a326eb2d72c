import pytest
from pydantic import ValidationError

from landcover.system.errors import LandcoverError
from landcover.system.settings import Number, Settings, listed, one_of, passing


class Example(Settings):
    size: int = 1
    rate: Number = 0.5


@pytest.mark.parametrize("written", ["1e-05", "0.00001", 1e-5])
def test_numbers_may_be_strings_as_yaml_reads_some_of_them(written):
    assert Example(rate=written).rate == 1e-5


@pytest.mark.parametrize("wrong", [{"sise": 2}, {"size": "2"}, {"size": True}, {"rate": float("inf")}, {"rate": "x"}])
def test_unknown_settings_and_values_of_another_type_are_errors(wrong):
    with pytest.raises(ValidationError):
        Example(**wrong)


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Example().size = 2


def test_a_wrong_choice_is_an_error_that_lists_the_choices():
    check = one_of(["flip", "d4"]).func
    assert check("d4") == "d4"
    with pytest.raises(ValueError, match="should be one of flip, d4"):
        check("turn")


def test_what_a_check_of_the_library_refuses_is_an_error_of_the_setting():
    def check(text):
        if text == "wrong":
            raise LandcoverError("it is wrong")

    validator = passing(check).func
    assert validator("right") == "right"
    with pytest.raises(ValueError, match="it is wrong"):
        validator("wrong")


@pytest.mark.parametrize(("names", "text"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_names_are_listed_in_words(names, text):
    assert listed(names) == text
