"""Files elsewhere: read by ranges, and written to buckets. Needs obstore (the extra remote).

obstore repeats requests that fail for a while, waiting longer each time, and goes on where an answer was cut off. What
is missing or not allowed fails at once. Errors never quote URLs of requests, which may hold keys.
"""

import os
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from landcover.system.aws_settings import s3_settings
from landcover.system.errors import LandcoverError, requiring_extra
from landcover.system.files import replacing
from landcover.system.locations import Location, Remote

RETRIES = 5
PATIENCE = 60.0
"""Seconds for an answer of up to some megabytes, after which the request is repeated."""
_CONNECTING = 10.0  # seconds
_BACKOFF = {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=10), "base": 2}
_PORTIONS = 8 << 20  # bytes of a part of an upload or a download


def read_range(place: Remote, start: int, end: int) -> tuple[bytes, int, str]:
    """Read bytes `start` to `end` - 1 of a file, or to its end.

    Returns:
        The bytes, the size of the whole file, and what changes when its content changes.

    Raises:
        LandcoverError: It cannot be read.
    """
    for left in reversed(range(RETRIES)):
        with _errors(place, "read"):
            try:
                answer = _obstore().get(*_store(place), options={"range": (start, end)})
                content = bytes(answer.bytes())
            except _obstore().exceptions.GenericError as error:
                if left and "Requested" in str(error) and ", got" in str(error):
                    continue  # fewer bytes than asked for, by a header that says so; obstore repeats other failures
                raise
            meta = answer.meta
            if len(content) == min(end, meta["size"]) - start:
                return content, meta["size"], _version(meta)
    raise LandcoverError(f"{place}: cannot be read (answers are shorter than asked for). Try again later.")


def identity(place: Location) -> str:
    """Return what changes when the content of a file changes: its size with an ETag or the time of its change.

    Raises:
        LandcoverError: There is no such file, or it cannot be read.
        OSError: Likewise, of a file here.
    """
    if isinstance(place, Path):
        status = place.stat()
        return f"{status.st_size} {status.st_mtime_ns}"
    _, size, version = read_range(place, 0, 1)
    return f"{size} {version}"


def exists(place: Location) -> bool:
    """Whether there is a file.

    Raises:
        LandcoverError: The bucket cannot be asked.
    """
    if isinstance(place, Path):
        return place.exists()
    with _errors(place, "read"):
        try:
            _obstore().head(*_store(place))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise
            return False
    return True


def names(folder: Remote) -> list[str]:
    """Names of the files right in a folder of a bucket, sorted.

    Raises:
        LandcoverError: The bucket cannot be asked.
    """
    with _errors(folder, "read"):
        store, key = _store(folder)
        found = _obstore().list_with_delimiter(store, key)["objects"]
    return sorted(each["path"].rpartition("/")[2] for each in found)


def upload(path: Path, place: Remote) -> None:
    """Write a file to a bucket, where it appears, or replaces what was there, once it is complete.

    Raises:
        LandcoverError: It cannot be written, or arrives with another size.
    """
    if urlsplit(place.url).scheme in ("http", "https"):
        raise LandcoverError(f"{place}: a web server takes no files. Name a bucket: s3://, gs:// or az://.")
    with _errors(place, "written"):
        target = _store(place)
        _obstore().put(*target, path, chunk_size=_PORTIONS)
        if _obstore().head(*target)["size"] != path.stat().st_size:
            raise LandcoverError(f"{place}: cannot be written (another size arrived). Try again.")


def download(place: Remote, path: Path) -> None:
    """Copy a file to this machine, in portions; it appears once it is complete.

    Raises:
        LandcoverError: It cannot be read, changes meanwhile, or cannot be written here.
    """
    with replacing(path) as scratch, scratch.open("wb") as file:
        first: tuple[int, str] | None = None
        while first is None or file.tell() < first[0]:
            content, size, version = read_range(place, file.tell(), file.tell() + _PORTIONS)
            first = first or (size, version)
            if (size, version) != first:
                raise changed(place)
            file.write(content)


def remove(place: Remote) -> None:
    """Remove a file from a bucket; none is fine.

    Raises:
        LandcoverError: It cannot be removed.
    """
    with _errors(place, "removed"), suppress(FileNotFoundError):
        _obstore().delete(*_store(place))


def changed(place: Remote) -> LandcoverError:
    """The error to raise if a file changed while it was read."""
    return LandcoverError(f"{place}: changed while it was read. Run this again.")


def _store(place: Remote) -> tuple[Any, str]:
    """The store in which a file is, and its key there.

    Stores are kept, and with them their connections, for as long as all that they depend on stays the same; threads
    share them. They do not survive a fork: workers are forked from a process that has not loaded obstore.
    """
    parts = urlsplit(place.url)
    settings = s3_settings() if parts.scheme == "s3" else {}
    if settings is None:
        raise LandcoverError(
            f"{place}: no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or, for a "
            "public bucket, AWS_NO_SIGN_REQUEST=YES."
        )
    query = parts.query if parts.scheme in ("http", "https") else ""
    limits = RETRIES, PATIENCE, tuple(_BACKOFF.items())
    depends_on = tuple(settings.items()), tuple(sorted(os.environ.items())), limits
    return _kept_store(parts.scheme, parts.netloc, query, depends_on), unquote(parts.path).lstrip("/")


@lru_cache(maxsize=32)
def _kept_store(scheme: str, netloc: str, query: str, _depends_on: object) -> Any:
    """A store: of a web server with its query, or a bucket."""
    user, _, host = netloc.rpartition("@")
    client: dict[str, Any] = {
        "connect_timeout": timedelta(seconds=_CONNECTING),
        "timeout": timedelta(seconds=PATIENCE),
    }
    retries: Any = {
        "max_retries": RETRIES,
        "retry_timeout": timedelta(seconds=PATIENCE * RETRIES),
        "backoff": _BACKOFF,
    }
    stores = _obstore().store
    if scheme in ("http", "https"):
        client["allow_http"] = scheme == "http"
        if user:
            name, _, password = user.partition(":")
            plain = f"{unquote(name)}:{unquote(password)}".encode()
            client["default_headers"] = {"authorization": f"Basic {b64encode(plain).decode()}"}
        base = f"{scheme}://{host}/{f'?{query}' if query else ''}"
        return stores.HTTPStore.from_url(base, client_options=client, retry_config=retries)
    if scheme == "s3":
        settings = s3_settings() or {}
        client["allow_http"] = str(settings.get("endpoint")).startswith("http://")
        return stores.S3Store(host, client_options=client, retry_config=retries, **settings)
    if scheme == "gs":
        return stores.GCSStore(host, client_options=client, retry_config=retries, **_unsigned("GS_NO_SIGN_REQUEST"))
    account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or os.environ.get("AZURE_STORAGE_ACCOUNT")
    more: dict[str, Any] = {"account_name": account} if account else {}
    more |= _unsigned("AZURE_NO_SIGN_REQUEST")
    return stores.AzureStore(host, client_options=client, retry_config=retries, **more)


def _obstore() -> ModuleType:
    with requiring_extra("Files elsewhere", "remote"):
        import obstore.exceptions
        import obstore.store
    return obstore


def _unsigned(variable: str) -> dict[str, Any]:
    return {"skip_signature": True} if os.environ.get(variable, "").lower() in ("yes", "true", "on", "1") else {}


def _version(meta: Any) -> str:
    return str(meta.get("e_tag") or meta["last_modified"].isoformat())


@contextmanager
def _errors(place: Remote, done: str) -> Iterator[None]:
    """Turn what obstore raises into a LandcoverError without what it quotes of the request."""
    exceptions = _obstore().exceptions
    try:
        yield
    except LandcoverError:
        raise
    except (exceptions.BaseError, OSError, ValueError) as error:
        advice = "Correct the URL, or try again later."
        cause = _cause(str(error), type(error).__name__)
        if isinstance(error, FileNotFoundError):
            cause = "no such bucket" if "NoSuchBucket" in str(error) else "no such file, HTTP status 404"
            advice = "Correct the URL."
        elif isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
            advice = "Correct the URL or the credentials: see docs/remote.md."
        raise LandcoverError(f"{place}: cannot be {done} ({cause}). {advice}") from None


def _cause(text: str, kind: str) -> str:
    """Why a request failed, by the text of obstore's error."""
    if status := re.search(r"status code: (\d{3})", text):
        return f"HTTP status {status[1]}"
    for words, cause in (
        ("Range request not supported", "the server gives no parts of files"),
        ("Requested ", "answers are shorter than asked for"),
        ("Timeout", "no answer in time"),
        ("Connect", "no connection"),
        ("dns error", "no such host"),
        ("body error", "answers are cut off"),
        ("redirect", "too many redirects"),
        ("sending request", "no connection"),
    ):
        if words in text:
            return cause
    return kind
