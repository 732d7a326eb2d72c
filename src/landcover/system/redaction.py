"""Passwords and keys in URLs, which are never printed nor written."""

import re

_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:/+)[^\s/?#'\"]*@")
_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:/+[^\s?#'\"]+)[?#][^\s'\"]*?(?=[:.,;)>]*(?:[\s'\"]|$))")


def without_secrets(text: str) -> str:
    """A text whose URLs are without user, password, query and fragment: signed URLs have their key in the query.

    What looks like a URL counts, also where a path was made of it (`https:/...`), or in GDAL's names
    (`/vsicurl/https://...`).
    """
    return _QUERY.sub(r"\1", _USER.sub(r"\1", text)) if ":/" in text else text
