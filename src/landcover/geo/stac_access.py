"""Safe reading of STAC catalogues and items that a stranger may have made. Needs pystac-client.

The links of a catalogue, its searches and redirects are followed on the host that the user named, and nowhere else. The
files that an item names as assets are not fetched here; which ones may be at all says `asset_location`.
"""

import ipaddress
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pystac
import requests
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from landcover.system.documents import load_json
from landcover.system.errors import LandcoverError, reason
from landcover.system.locations import SCHEMES, Location, Remote
from landcover.system.paths import check_readable

_SECONDS = 10, 60  # to connect, and between two pieces of an answer
_RETRIES = Retry(4, connect=2, backoff_factor=0.25, status_forcelist=[429, 500, 502, 503, 504], allowed_methods=None)
_PORTS = {"http": 80, "https": 443}


class CatalogReader(StacApiIO):
    """Reads the JSON of a catalogue, by URLs of one host only.

    Args:
        url: The catalogue's or the item's, as the user gave it: http or https.

    Raises:
        LandcoverError: It is another kind of URL.
    """

    def __init__(self, url: Remote) -> None:
        if urlsplit(url.url).scheme not in _PORTS:
            raise LandcoverError(f"{url}: catalogues and items are read by https or http. Give such a URL.")
        super().__init__(timeout=_SECONDS, max_retries=None)
        for scheme in _PORTS:
            self.session.mount(f"{scheme}://", _OneHost(url))
        self._url = url

    def read_text(self, source: Any, *arguments: Any, **options: Any) -> str:
        """Read a URL or what a link refers to.

        Raises:
            LandcoverError: It is on another host, there is nothing, or it cannot be read.
        """
        href = str(source.href if isinstance(source, pystac.Link) else source)
        if urlsplit(href).scheme not in _PORTS:
            raise LandcoverError(f"{self._url}: refers to {href:.200}, which is no URL of a catalogue. It is not read.")
        try:
            text: str = super().read_text(source, *arguments, **options)
        except APIError as error:
            cause = error.__context__
            if isinstance(cause, LandcoverError):
                raise cause from None
            raise LandcoverError(
                f"{Remote(href)}: cannot be read ({_cause(error)}). Correct the URL, or try again later."
            ) from error
        return text

    def json_loads(self, txt: str, *_: Any, **__: Any) -> dict[str, Any]:
        """Parse JSON that must be an object.

        Raises:
            LandcoverError: It is not.
        """
        try:
            content = load_json(txt)
        except (ValueError, RecursionError) as error:
            raise LandcoverError(f"{self._url}: not STAC (no JSON: {reason(error)}). Correct the URL.") from error
        if not isinstance(content, dict):
            raise LandcoverError(f"{self._url}: not STAC (no JSON object). Correct the URL.")
        return content


class _OneHost(HTTPAdapter):
    """Sends requests to one host, those that follow from redirects included."""

    def __init__(self, url: Remote) -> None:
        super().__init__(max_retries=_RETRIES)
        self._url = url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        url = request.url or ""
        if not _is_same_host(url, self._url.url):
            raise LandcoverError(
                f"{self._url}: refers to another host, {urlsplit(url).netloc.rpartition('@')[2]}, which is not asked. "
                "Name what is there by its own URL."
            )
        return super().send(request, *arguments, **options)


def read_item(place: Location) -> pystac.Item:
    """Read a STAC item, a file or a URL; nothing that it refers to is read.

    Raises:
        LandcoverError: It cannot be read, or is not an item.
    """
    if isinstance(place, Remote):
        return item_of(CatalogReader(place).read_json(place.url), place)
    try:
        check_readable(place)
        content = load_json(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise LandcoverError(f"{place}: not a STAC item ({reason(error)}). Correct or replace it.") from error
    return item_of(content, place)


def item_of(content: Any, place: Location) -> pystac.Item:
    """Make an item of the content of its file.

    Args:
        content: The JSON.
        place: Of the file: relative references are relative to it.

    Raises:
        LandcoverError: It is not an item.
    """
    kind = content.get("type") if isinstance(content, dict) else None
    if kind in ("Catalog", "Collection"):
        raise LandcoverError(f"{place}: a STAC {kind.lower()}, not an item. Search it: --stac {place} --bbox ...")
    try:
        if kind != "Feature" or not isinstance(content["id"], str):
            raise ValueError("no Feature with an id")
        href = place.url if isinstance(place, Remote) else str(place.absolute())
        return pystac.Item.from_dict(content, href=href, migrate=False)
    except Exception as error:  # a stranger's JSON makes pystac raise anything
        raise LandcoverError(f"{place}: not a STAC item ({reason(error)}). Correct or replace it.") from error


def place_of(item: pystac.Item) -> Location:
    """Where an item was read."""
    href = item.get_self_href() or ""
    return Remote(href) if urlsplit(href).scheme in _PORTS else Path(href)


def asset_location(item: pystac.Item, href: str) -> Location:
    """Where a file is that an item names.

    An item that was read from a URL may name other URLs, but no files of this machine, and, unless it came from there,
    nothing in this machine's own network. An item that is a file here may name files in its folder and below.

    Raises:
        LandcoverError: The file is one that the item may not name.
    """
    place = place_of(item)
    scheme = urlsplit(href).scheme if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", href) else ""
    shown = re.sub(r"[?#].*", "", re.sub(r"//[^/@]*@", "//", href))[:200]
    if re.search(r"[\x00-\x1f\x7f]", href):
        raise LandcoverError(f"{place}: the name of an asset has control characters. Correct the item.")
    if isinstance(place, Remote):
        full = urljoin(place.url, href)
        if (scheme and scheme not in SCHEMES) or urlsplit(full).scheme not in SCHEMES:
            raise LandcoverError(
                f"{place}: names {shown}, which is no URL of {', '.join(SCHEMES)}. An item from elsewhere may name no "
                "files of this machine: download it, if you trust it."
            )
        found = Remote(full)
        _check_network(place, found)
        return found
    if scheme and scheme != "file":
        raise LandcoverError(
            f"{place}: names {shown}, which is not on this machine; files here never make this program use the "
            "network. Name the item by its URL instead."
        )
    name = unquote(href[len("file:") :].removeprefix("//")) if scheme else href
    path = (place.absolute().parent / name).resolve()
    if not path.is_relative_to(place.resolve().parent):
        raise LandcoverError(f"{place}: names {shown}, which is not in its folder or below it. Put it there.")
    return path


def _check_network(item: Remote, asset: Remote) -> None:
    """Refuse addresses of the own network that an item from outside names."""
    if urlsplit(asset.url).scheme not in _PORTS or _is_same_host(asset.url, item.url):
        return
    asked = _addresses(asset)
    is_inside = any(not address.is_global for address in _addresses(item))
    if any(address.is_link_local for address in asked) or (
        not is_inside and any(not address.is_global for address in asked)
    ):
        raise LandcoverError(
            f"{item}: names {asset}, an address within this machine's own network, which is not asked. If you trust "
            "it, name that file itself."
        )


def _addresses(url: Remote) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses of a host; none if its name is not known, which reading it will report."""
    parts = urlsplit(url.url)
    try:
        found = socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    return [getattr(address, "ipv4_mapped", None) or address for address in addresses]


def _is_same_host(url: str, other: str) -> bool:
    """Whether two URLs are of the same host and port; https on its usual port counts as http on its."""
    one, two = urlsplit(url), urlsplit(other)
    usual = [parts.port in (None, _PORTS.get(parts.scheme)) for parts in (one, two)]
    return one.hostname == two.hostname and (all(usual) or (not any(usual) and one.port == two.port))


def _cause(error: APIError) -> str:
    """Why a URL was not read, without the URL, in whose query there may be a key."""
    if status := getattr(error, "status_code", None):
        return f"HTTP status {status}"
    cause = error.__context__
    if isinstance(cause, requests.Timeout):
        return "no answer in time"
    if isinstance(cause, requests.ConnectionError):
        return "no connection"
    return type(cause or error).__name__
