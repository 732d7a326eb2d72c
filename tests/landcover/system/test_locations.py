import pytest

from landcover.system.errors import LandcoverError
from landcover.system.locations import Remote, location


@pytest.mark.parametrize(
    "text", ["http://user:sec/ret@host/x.tif", "http://u:secret@[::1/x", "http://u:secret@h:99999/x"]
)
def test_a_text_that_is_no_url_is_one_line_without_a_password(text):
    with pytest.raises(LandcoverError, match="not a URL") as caught:
        location(text)
    assert "sec" not in str(caught.value)


@pytest.mark.parametrize("text", ["ftp://u:secret@host/x?k=secret", "https:///x?k=secret"])
def test_a_url_of_another_kind_is_one_line_without_a_password(text):
    with pytest.raises(LandcoverError, match="not a URL of https, http, s3, gs, az") as caught:
        location(text)
    assert "secret" not in str(caught.value)


def test_as_text_a_url_is_without_password_and_query():
    place = Remote("https://u:secret@host:8080/a/b_sat.tif?k=secret")
    assert (str(place), repr(place), place.stem) == (
        "https://host:8080/a/b_sat.tif",
        "Remote('https://host:8080/a/b_sat.tif')",
        "b_sat",
    )
    assert place.with_name("c").url == "https://u:secret@host:8080/a/c?k=secret"
