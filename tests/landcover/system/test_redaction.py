import pytest

from landcover.system.redaction import without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:word@host/a.tif: no such file", "https://host/a.tif: no such file"),
        ("https://host/a.tif?X-Amz-Signature=key&x=1: no such file", "https://host/a.tif: no such file"),
        ("https:/user:word@host/a.tif?sig=key.", "https://host/a.tif.".replace("//", "/")),
        ("'/vsicurl/http://u:p@host/a.tif?sig=k:e/y' failed", "'/vsicurl/http://host/a.tif' failed"),
        ("az://box/a?sv=1&sig=key and s3://bucket/b#c", "az://box/a and s3://bucket/b"),
        ("https://user:p@ss@host/x", "https://host/x"),
        ("s3://bucket/a@b.tif, s3://bucket/c", "s3://bucket/a@b.tif, s3://bucket/c"),
        ("what is it? data/a?b.tif: C:/x@y", "what is it? data/a?b.tif: C:/x@y"),
    ],
)
def test_urls_are_shown_without_user_and_query(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
