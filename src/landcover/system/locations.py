"""Places of files: paths on this machine, and URLs of files elsewhere."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from landcover.system.errors import LandcoverError
from landcover.system.redaction import without_secrets

SCHEMES = ("https", "http", "s3", "gs", "az")
"""Of the URLs that are understood."""


@dataclass(frozen=True, repr=False)
class Remote:
    """A file elsewhere.

    As text it is without a password and a query, in which signed URLs carry their key: so it may be printed, and
    written into maps.

    Attributes:
        url: As it was given.
    """

    url: str

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            is_valid = parts.scheme in SCHEMES and bool(parts.netloc) and parts.port != 0
        except ValueError:  # of brackets, or of a port: perhaps a part of a password that has a slash
            scheme = self.url.partition(":")[0]
            raise LandcoverError(
                f"{scheme}://...: not a URL, by its brackets or its port. Correct it; write a / in a password as %2F."
            ) from None
        if not is_valid:
            raise LandcoverError(
                f"{without_secrets(self.url)}: not a URL of {', '.join(SCHEMES)} with a host or bucket. Correct it."
            )

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def __repr__(self) -> str:
        return f"Remote({str(self)!r})"

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self._path.name

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        return self._path.stem

    @property
    def suffix(self) -> str:
        """The end of its name, from the last dot."""
        return self._path.suffix

    @property
    def parent(self) -> "Remote":
        """The folder in which it is."""
        return self._at(self._path.parent)

    def __truediv__(self, name: str) -> "Remote":
        """A file in this folder."""
        return self._at(self._path / name)

    def with_name(self, name: str) -> "Remote":
        """A file beside this one."""
        return self._at(self._path.with_name(name))

    @property
    def _path(self) -> PurePosixPath:
        return PurePosixPath(urlsplit(self.url).path)

    def _at(self, path: PurePosixPath) -> "Remote":
        return Remote(urlunsplit(urlsplit(self.url)._replace(path=str(path))))


Location = Path | Remote
"""Where a file is, here or elsewhere."""


def location(text: str | Location) -> Location:
    """Return the place that a user named: a URL if it begins like one, else a path; a place stays as it is.

    Raises:
        LandcoverError: It is a URL of another kind, or without a host or bucket.
    """
    if isinstance(text, str) and is_url(text):
        return Remote(text)
    return text if isinstance(text, Remote) else Path(text)


def is_url(text: str) -> bool:
    """Whether a text begins like a URL, of whatever kind."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def resolved(place: Location) -> Location:
    """The absolute path without links; a URL as it is."""
    return place.resolve() if isinstance(place, Path) else place


def paths(places: Iterable[Location]) -> list[Path]:
    """Those that are on this machine."""
    return [place for place in places if isinstance(place, Path)]
