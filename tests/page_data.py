"""What a page of the report holds, read back from its file."""

import base64
import json
import re
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

_BLOCK = re.compile(r'<script type="application/json" id="([^"]+)">(.*?)</script>', re.DOTALL)


def blocks(path: Path | str) -> dict:
    """The blocks of JSON of a page by their ids."""
    return {name: json.loads(text) for name, text in _BLOCK.findall(Path(path).read_text(encoding="utf-8"))}


def layer(item: dict, pixels: dict, name: str) -> np.ndarray:
    """A layer of labels of an item: uint8 (H, W)."""
    values = zlib.decompress(base64.b64decode(pixels[name]))
    return np.frombuffer(values, np.uint8).reshape(item["height"], item["width"])


def layers(content: dict, name: str) -> dict[str, np.ndarray | None]:
    """All layers of the image of a name, from the blocks of its page; confidence at the size that it has there."""
    (item,) = (item for item in content["report"]["items"] if item["name"] == name)
    pixels = content[f"pixels-{item['id']}"]
    found = {key: layer(item, pixels, key) if pixels[key] else None for key in ("truth", "prediction", "other")}
    confidence = pixels["confidence"] and layer(pixels["confidence"], pixels["confidence"], "data")
    return {**found, "confidence": confidence, "image": pixels["image"] and _drawn(pixels["image"])}


def corners(degrees: dict) -> list[tuple[float, float]]:
    """Longitude and latitude of the upper left, upper right, lower right and lower left corner of an image."""
    lon, lat = (np.reshape(degrees[key], (degrees["cells"] + 1,) * 2) for key in ("lon", "lat"))
    return [(lon[place], lat[place]) for place in ((0, 0), (0, -1), (-1, -1), (-1, 0))]


def _drawn(uri: str) -> np.ndarray:
    start, data = uri.split(",")
    assert start == "data:image/webp;base64"
    return np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("RGB"))


def about(report: dict) -> dict[str, dict[str, str]]:
    """What the page says of the model: rows by the headings of their parts."""
    return {part["heading"]: dict(part["rows"]) for part in report["about"]}
