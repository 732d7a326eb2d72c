"""Headless Chromium, for the figures of pages in docs/ and for the tests of the pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # no name leads to another machine
    "--force-color-profile=srgb",  # colours of a screenshot are those of the page
    "--disable-lcd-text",
    "--disable-dev-shm-usage",  # which is small in containers
]


class NoBrowserError(RuntimeError):
    """Chromium is not installed."""


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Start Chromium as Debian, Ubuntu or Google package it, and close it.

    Raises:
        NoBrowserError: There is none.
    """
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise NoBrowserError(f"no Chromium: install the package chromium (looked for {', '.join(_PROGRAMS)})")
    from playwright.sync_api import sync_playwright

    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]  # Chromium refuses root its sandbox
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()
