"""How data sets lie in folders, by name."""

from dataclasses import dataclass

LAYOUTS = ("pairs", "folders", "scenes")
"""NAME_sat and NAME_mask in one folder; images/ and masks/ with equal names; scenes with labels on the map."""

MASKS = ("colours", "codes")
"""What the pixels of masks are: colours, or codes of classes."""

SUFFIXES = {"pairs": ("_sat", "_mask"), "folders": ("", "")}
"""Default endings of the names of images and masks before the extension."""

CONFIDENCE, PROBABILITIES = "_confidence", "_probabilities"
"""Endings of the names of what `landcover predict` writes beside masks: files that are neither images nor masks."""

BLOCKS = ".blocks"
"""Ending of the names of the folders in which it keeps the finished blocks of a map until the map is complete."""


@dataclass(frozen=True)
class PairLayout:
    """How images and their masks lie in a folder.

    Attributes:
        folders: Whether images are in folders `images` and masks in folders `masks`, in the folder itself or anywhere
            below it; if not, both are in the folder itself.
        suffixes: Endings of the names of images and masks before the extension.
    """

    folders: bool = False
    suffixes: tuple[str, str] = SUFFIXES["pairs"]

    def ending(self, kind: str) -> str:
        """The ending of names before the extension; `kind` is image or mask."""
        return self.suffixes[kind == "mask"]

    def folder(self, kind: str) -> str:
        """The name of the folders of a kind."""
        return f"{kind}s"

    def pattern(self, kind: str) -> str:
        """How the files of a kind are called, without the extension."""
        return f"{self.folder(kind)}/" * self.folders + f"NAME{self.ending(kind)}"

    def example(self, kind: str) -> str:
        """A file of a kind."""
        return f"{self.pattern(kind)}.{'png' if kind == 'mask' else 'jpg'}"
