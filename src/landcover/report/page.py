"""A page that needs nothing but itself: styles, scripts and data in one HTML file, which runs no other script."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

VIEWER_STYLES = ("vendor/ol.css", "viewer.css")
VIEWER_SCRIPTS = (
    *("vendor/ol.js", "elements.js", "colours.js", "layers.js", "places.js", "tilestore.js", "legend.js"),
    *("controls.js", "hover.js", "swipe.js", "look.js", "tilelayer.js", "mapview.js", "viewer.js"),
)
"""Assets of the viewer of images and maps, in their order; pages add their own."""

_ASSETS = files("landcover.report") / "assets"


def build_page(
    template: str,
    styles: Sequence[str],
    scripts: Sequence[str],
    title: str,
    data: Mapping[str, Any],
    connect: str = "'none'",
) -> str:
    """Build an HTML page.

    Args:
        template: Name of an asset, HTML with `$policy`, `$title`, `$styles`, `$data` and `$scripts`.
        styles, scripts: Names of assets, in order.
        title: Of the page; any text.
        data: Contents, by their ids, of the page's blocks of JSON. Whatever they hold, nothing of it is run.
        connect: What its scripts may fetch, a source list of a content security policy: `'self'` for its own server.
    """
    return Template(_read(template)).substitute(
        policy=escape(content_policy(scripts, connect)),
        title=escape(title),
        styles="\n".join(f"<style>\n{_read(name)}</style>" for name in styles),
        data="\n".join(json_block(name, content) for name, content in data.items()),
        scripts="\n".join(f"<script>{_read(name)}</script>" for name in scripts),
    )


def content_policy(scripts: Sequence[str], connect: str) -> str:
    """The content security policy of a page: exactly its scripts may run.

    Args:
        scripts, connect: See `build_page`.
    """
    hashes = [base64.b64encode(hashlib.sha256(_read(name).encode()).digest()).decode() for name in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {allowed}; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def json_text(content: Any) -> str:
    """Plain types as JSON in ASCII that neither ends a block of a page nor begins another."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def json_block(name: str, content: Any) -> str:
    """A block of JSON as it stands in a page."""
    return f'<script type="application/json" id="{escape(name)}">{json_text(content)}</script>'


def _read(name: str) -> str:
    source = _ASSETS
    for part in name.split("/"):
        source = source / part
    return source.read_text(encoding="utf-8")
