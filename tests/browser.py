"""Pages in headless Chromium, without a network; what a page complains about fails its test."""

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Locator, Page

SECONDS = 10  # in which a page must do what is waited for


class Pages:
    """Opens pages, each in a window of its own, and collects what they complain about and ask for.

    Attributes:
        complaints: Errors and warnings of the console, uncaught errors of scripts, requests to any other place than
            the page's own file or server.
    """

    def __init__(self, browser: "Browser") -> None:
        self.complaints: list[str] = []
        self._browser = browser
        self._contexts: list[Any] = []

    def open(
        self,
        page: Path | str,
        size: tuple[int, int] = (1280, 900),
        scheme: str = "light",
        touch: bool = False,
        fragment: str = "",
    ) -> "Page":
        """Open a file or an address.

        Args:
            size: Width and height of the window, CSS pixels.
            scheme: Colour scheme that the reader prefers: light or dark.
            touch: Whether the screen is touched.
            fragment: What follows the # of the address.
        """
        is_file = isinstance(page, Path)
        address = page.resolve().as_uri() if is_file else page
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            has_touch=touch,
            reduced_motion="reduce",
            offline=is_file,
        )
        context.set_default_timeout(SECONDS * 1000)
        self._contexts.append(context)
        window = context.new_page()
        window.on("console", lambda message: self._hear(message.type, message.text))
        window.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        window.on("dialog", lambda dialog: (self.complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        window.on("request", lambda request: self._see(request.url, address))
        window.goto(address + (f"#{fragment}" if fragment else ""))
        return window

    def close(self) -> None:
        """Close all windows."""
        for context in self._contexts:
            context.close()

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"console: {kind}: {text}")

    def _see(self, url: str, address: str) -> None:
        own = url.split("#")[0] == address if address.startswith("file:") else url.startswith(address)
        if not own and not url.startswith(("data:", "blob:")):
            self.complaints.append(f"request: {url}")


def pixels(shown: "Locator") -> np.ndarray:
    """What a part of a page shows, uint8 RGB (H, W, 3), one pixel for each CSS pixel; it must be in view.

    Takes a third of the time of playwright's own screenshots.
    """
    clip = shown.evaluate(
        """element => {
          const box = element.getBoundingClientRect();
          return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height, scale: 1};
        }"""
    )
    session = _SESSIONS.get(shown.page) or shown.page.context.new_cdp_session(shown.page)
    _SESSIONS[shown.page] = session
    taken = session.send("Page.captureScreenshot", {"clip": clip, "optimizeForSpeed": True})
    return np.array(Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB"))


_SESSIONS: "WeakKeyDictionary[Page, CDPSession]" = WeakKeyDictionary()
