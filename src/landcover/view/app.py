"""The server's answers: a page, what it is told, and tiles of the open files, nothing else.

The server draws the tiles, rather than sending ranges of files to OpenLayers' own reader of GeoTIFFs: so any raster
that rasterio reads can be shown (16 bits, many bands, JPEG 2000, without overviews, in another reference system), the
labels arrive as they are in the file without WebGL, and the viewer is that of the report. No request names a file.

Pages of other sites cannot read from it: a request must name this server as its host (a site that lets its own name
point here does not), and no answer may be used by another origin.
"""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from landcover.report.page import VIEWER_SCRIPTS, build_page, content_policy
from landcover.system.errors import one_line_message, warn
from landcover.view.contents import BYTES, Contents
from landcover.view.pools import READERS

_STYLES = ("vendor/ol.css", "viewer.css", "view.css")
_SCRIPTS = (*VIEWER_SCRIPTS, "tiles.js", "view.js")
_SELF = "'self'"
_NUMBER = re.compile(r"[0-9]{1,7}")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-frame-options": "DENY",
}


def make_app(contents: Contents, port: int) -> ASGIApp:
    """Make the application.

    Args:
        contents: What it shows.
        port: At which it is reached, for the check of the host.
    """
    title = f"{contents.description['name']} · landcover"
    page = build_page("view.html", _STYLES, _SCRIPTS, title, {}, connect=_SELF).encode()
    policy = f"{content_policy(_SCRIPTS, connect=_SELF)}; frame-ancestors 'none'"
    pages = {False: page, True: gzip.compress(page)}
    tiles = _Tiles(contents)

    def show(request: Request) -> Response:
        is_packed = _takes_gzip(request)
        headers = {"content-security-policy": policy} | _encoding(is_packed)
        return Response(pages[is_packed], media_type="text/html", headers=headers)

    def describe(request: Request) -> Response:
        return JSONResponse(contents.description)

    routes = [Route("/", show), Route("/scene.json", describe), Route("/tiles/{layer}/{z}/{x}/{y}", tiles.answer)]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    suffix = "" if port == 80 else f":{port}"  # browsers leave out the usual port
    return _guarded(app, {f"127.0.0.1{suffix}", f"localhost{suffix}"})


class _Tiles:
    """Answers requests for tiles."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._reading = asyncio.Semaphore(READERS)
        self._printed: set[str] = set()

    async def answer(self, request: Request) -> Response:
        numbers = [request.path_params[key] for key in "zxy"]
        if not all(map(_NUMBER.fullmatch, numbers)):
            return _not_found()
        key, (z, x, y), takes_gzip = request.path_params["layer"], map(int, numbers), _takes_gzip(request)
        async with self._reading:
            if await request.is_disconnected():  # the view has moved on while this waited
                return Response(status_code=204)
            try:
                return await run_in_threadpool(self._read, key, z, x, y, takes_gzip)
            except Exception as error:  # of this tile alone: others may be readable
                return self._failed(error)

    def _read(self, key: str, z: int, x: int, y: int, takes_gzip: bool) -> Response:
        found = self._contents.read(key, z, x, y)
        if found is None:
            return _not_found()
        content, media_type = found
        is_packed = media_type == BYTES and takes_gzip
        if is_packed:
            content = gzip.compress(content, 1)
        return Response(content, media_type=media_type, headers=_encoding(is_packed))

    def _failed(self, error: Exception) -> Response:
        """Print each kind of error once, as hundreds of tiles may have it."""
        line = one_line_message(error) or f"{type(error).__name__}: {error}"
        if line not in self._printed:
            self._printed.add(line)
            warn(line)
        return PlainTextResponse("This tile cannot be read.", 500)


def _guarded(app: ASGIApp, hosts: set[str]) -> ASGIApp:
    """Let only requests through that name one of these hosts, and close every answer to other origins."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                present = {name for name, _ in headers}
                for name, value in {"content-security-policy": "default-src 'none'", **_HEADERS}.items():
                    if name.encode() not in present:
                        headers.append((name.encode(), value.encode()))
                message = {**message, "headers": headers}
            await send(message)

        named = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        answer: Callable[[Scope, Receive, Send], Awaitable[None]] = app
        if len(named) != 1 or named[0] not in hosts:
            answer = PlainTextResponse("This server answers only at its own address.", 403)
        await answer(scope, receive, send_closed)

    return guarded


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _encoding(is_packed: bool) -> dict[str, str]:
    return {"vary": "accept-encoding"} | ({"content-encoding": "gzip"} if is_packed else {})


def _not_found() -> Response:
    return PlainTextResponse("Not Found", 404)
