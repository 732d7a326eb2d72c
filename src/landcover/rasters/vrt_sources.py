"""The files that a VRT refers to (XML that makes one raster of other files), checked before GDAL sees it.

Standard library only. See https://gdal.org/drivers/raster/vrt.html.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from landcover.system.errors import LandcoverError
from landcover.system.paths import check_readable

VRT_SUFFIX = ".vrt"

_LARGEST = 256 << 20  # bytes of a VRT; that of a mosaic of 100,000 tiles of three bands has 150 MB
_HEADER = 4096  # bytes at the start of a file by which GDAL recognises its format
_KINDS = {  # those of GDAL's that refer to files only by elements of `_SOURCES`
    "vrtdataset": {"", "vrtwarpeddataset", "vrtpansharpeneddataset"},
    "vrtrasterband": {
        "",
        "vrtsourcedrasterband",
        "vrtderivedrasterband",
        "vrtwarpedrasterband",
        "vrtpansharpenedrasterband",
        "vrtrawrasterband",
    },
}
_SOURCES = ("sourcefilename", "sourcedataset")
_OTHER_FILES = ("dempath", "srcgeoloctransformer", "dstgeoloctransformer", "geoloctransformer")
_RELATIVE = "relativetovrt"


@dataclass(frozen=True)
class Source:
    """An element of a VRT that refers to a file.

    Attributes:
        path: The file, absolute and without links.
        is_raw: Whether the bytes of the file are the pixels, whatever its format.
    """

    path: Path
    is_raw: bool
    _element: ElementTree.Element

    def rename(self, name: str) -> None:
        """Let the element refer to another file, by its absolute path."""
        self._element.text = name
        for key in [key for key in self._element.attrib if key.lower() == _RELATIVE]:
            del self._element.attrib[key]
        self._element.set("relativetoVRT" if self.is_raw else "relativeToVRT", "0")


def is_vrt(path: Path) -> bool:
    """Whether GDAL might read a file as XML that describes a raster, whatever its name."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
    return re.search(rb"<[A-Za-z_]{3}", header.split(b"\0")[0]) is not None


def read_vrt(path: Path) -> ElementTree.Element:
    """Parse a VRT without fetching or expanding anything.

    Raises:
        LandcoverError: It is not a VRT, or of a kind that can refer to files in other ways than `sources` knows.
    """
    content = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
    if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE):  # entities may be files, or billions of letters
        raise LandcoverError(f"{path}: a VRT with a document type. Remove its line <!DOCTYPE ...>.")
    try:
        tree = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: of an unknown encoding
        raise LandcoverError(f"{path}: not readable as a VRT ({error}). Replace or remove it.") from error
    if tree.tag.lower() != "vrtdataset":
        raise LandcoverError(f"{path}: not readable as a VRT (it is <{tree.tag:.40}>). Replace or remove it.")
    for element in tree.iter():
        tag, kind = element.tag.lower(), _attribute(element, "subclass")
        if kind.lower() not in _KINDS.get(tag, {kind.lower()}) or tag in _OTHER_FILES:
            raise LandcoverError(
                f"{path}: a VRT with <{element.tag:.40}{f' {kind:.40}' if kind else ''}>, which may refer to "
                "files in ways that are not checked. Convert it with gdal_translate."
            )
    return tree


def sources(tree: ElementTree.Element, path: Path, root: Path | None) -> Iterator[Source]:
    """List the files that a VRT refers to, all of them regular files. None is opened.

    Args:
        tree: What `read_vrt` returned.
        path: The VRT.
        root: The folder, without links, in which or below which all files must be; None if they may be anywhere.

    Raises:
        LandcoverError: A file is elsewhere, missing or not a regular file.
    """
    for parent in tree.iter():
        is_raw = _attribute(parent, "subclass").lower() == "vrtrawrasterband"
        for element in parent:
            if element.tag.lower() in _SOURCES:
                yield Source(_checked(element, path, root, is_raw), is_raw, element)


def _checked(element: ElementTree.Element, path: Path, root: Path | None, is_raw: bool) -> Path:
    name = (element.text or "").strip()
    if "://" in name or name.startswith("/vsi"):  # also as GDAL writes it, such as ZARR:"https://..."
        raise LandcoverError(
            f"{path}: its source {name:.200} is not a file on this machine, and nothing else is read by a VRT. Name "
            "what it consists of."
        )
    relative = _attribute(element, _RELATIVE, "1" if is_raw else "0").strip().lower()
    folder = path.resolve().parent if relative not in ("", "0", "no", "false", "off") else Path.cwd()
    try:
        found = (folder / name).resolve()
        check_readable(found)
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # of a zero byte; of links in a circle
        cause = getattr(error, "strerror", None) or error
        raise LandcoverError(f"{path}: its source {name:.200} is not readable ({cause}). Correct the VRT.") from error
    if root is not None and not found.is_relative_to(root):
        raise LandcoverError(
            f"{path}: its source {name:.200} is not in the VRT's folder or below it. Put it there, or, if you trust "
            "the VRT, add --allow-vrt-paths."
        )
    return found


def _attribute(element: ElementTree.Element, name: str, default: str = "") -> str:
    """Value of an attribute; GDAL ignores the case of its name."""
    return next((value for key, value in element.attrib.items() if key.lower() == name), default)
