"""The block `data` of params.yaml: which images and labels, of which classes, and which of them validate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from landcover.classes.class_entries import ClassEntry, read_entry
from landcover.classes.class_lists import read_class_list
from landcover.classes.class_table import ClassTable
from landcover.classes.code_table import CodeTable
from landcover.images.image_spec import NORMALISATIONS
from landcover.images.layouts import LAYOUTS, MASKS, SUFFIXES, PairLayout
from landcover.images.pairs import Sample, find_images, find_pairs
from landcover.labels.options import BURN, OVERLAP, RESAMPLE, LabelOptions
from landcover.system.errors import LandcoverError, Problems
from landcover.system.locations import is_url
from landcover.system.redaction import without_secrets
from landcover.system.settings import NotNegative, Number, Settings, as_number, one_of
from stages.common.paths import PARAMS

MAX_BANDS = 4096  # which keeps numbers within reason
SPLITS = ("folder", "scene", "block")
FIRST = "(layout: scenes) "

Item = TypeVar("Item")


def _resolution(value: Any) -> float | str | None:
    if value is None or value == "auto":
        return None if value is None else "auto"
    number = as_number(value)
    if type(number) in (int, float) and 1e-6 <= number <= 1e9:
        return float(number)
    raise ValueError("should be auto, null, or metres per pixel above 0")


def _bands(value: Any) -> list[int | str] | None:
    if value is None:
        return None
    if isinstance(value, list) and 0 < len(value) <= MAX_BANDS and all(type(band) in (int, str) for band in value):
        if any(type(band) is int and not 1 <= band <= MAX_BANDS for band in value):
            raise ValueError(f"should have numbers from 1 to {MAX_BANDS}")
        if doubled := [band for i, band in enumerate(value) if band in value[:i]]:
            raise ValueError(f"has {doubled[0]!r} twice. Name each band once")
        return value
    raise ValueError("should be null, or a list of numbers (from 1) or names of bands, such as [4, 3, 2] or [red, nir]")


def _suffixes(value: Any) -> tuple[str, str] | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2 and all(isinstance(ending, str) for ending in value):
        return value[0], value[1]
    raise ValueError("should be null, or the endings of images and masks, such as [_sat, _mask]")


class Data(Settings):
    """The block `data`: the data set, its classes, and its split."""

    root: str = Field("data/bluemarble", description="folder of the data set; the other paths are below it")
    layout: Annotated[str, one_of(LAYOUTS)] = Field(
        "pairs",
        description="pairs: NAME_sat.jpg (png, tif) and NAME_mask.png in one folder; folders: images/ and masks/ with "
        "files of equal names, also in sub-folders; scenes: images with a place on the map, and labels on the map",
    )
    suffixes: Annotated[Any, AfterValidator(_suffixes)] = Field(
        None,
        description="endings of the names of images and masks before the extension; null: [_sat, _mask] for pairs, "
        "none for folders",
    )
    masks: Annotated[str, one_of(MASKS)] = Field(
        "colours", description="what the pixels of masks and of rasters of labels are: colours, or codes of classes"
    )
    scenes: str | list[str] = Field(
        "earth.jpg",
        description=FIRST + "file, folder, pattern such as s2/*.tif, or a list of these; a folder of files that are "
        "bands of one scene is one scene",
    )
    labels: str = Field(
        "regions.gpkg",
        description=FIRST
        + "polygons or points (gpkg, geojson, fgb, parquet, shp), a raster, or a folder or pattern of "
        "rasters, of which a scene takes those that it meets",
    )
    column: str = Field("class", description=FIRST + "column of polygons and points with the name or code of the class")
    burn: Annotated[str, one_of(BURN)] = Field(
        "centre", description=FIRST + "pixels of a polygon: those whose centre lies in it, or all touched"
    )
    overlap: Annotated[str, one_of(OVERLAP)] = Field(
        "later", description=FIRST + "which of overlapping polygons counts: the later row, or the smaller polygon"
    )
    points: Annotated[int, Field(ge=1, le=999)] = Field(
        1, description=FIRST + "side in pixels of the square around a point that has its class, odd"
    )
    resample: Annotated[str, one_of(RESAMPLE)] = Field(
        "nearest",
        description=FIRST + "code of a pixel where a raster of labels has another grid: the nearest, or the majority",
    )
    area: str | None = Field(
        None, description=FIRST + "polygons outside of which nothing is labelled; null for no limit"
    )
    rest: str | None = Field(
        None, description=FIRST + "class of what no polygon covers; null: it is unknown, neither learned nor scored"
    )
    split: Annotated[str, one_of(SPLITS)] = Field(
        "folder",
        description="which images validate: those in the folder validation/ (or val/), every n-th image or scene, or "
        "one in n blocks of the ground, with n = holdout",
    )
    holdout: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        0, description="n: one in n scenes or blocks validates (split: scene or block); 0 for split: folder"
    )
    block: Annotated[Number, Field(ge=1, le=2e7)] = Field(
        750_000.0,
        description="side in metres of the blocks (split: block), which lie where they are whatever the scenes",
    )
    buffer: NotNegative = Field(
        0.0, description="smallest distance in metres between training and validation (split: block), up to block"
    )
    classes: dict[str, Annotated[ClassEntry, BeforeValidator(read_entry)]] | str = Field(
        description='colour of each class: "#rrggbb" or [r, g, b], or a list of several, of which the first is drawn; '
        "or {colour: ..., codes: [...]} with the values that mean it in labels; or the path of a JSON file with them, "
        "below root; the order is that of the scores"
    )
    ignore: str | None = Field(
        "unknown",
        description='the class that means "not known", neither learned nor predicted; null for none',
    )
    resolution: Annotated[Any, AfterValidator(_resolution)] = Field(
        "auto",
        description="metres of ground that a pixel of the images covers, recorded in the model; null: not known; auto: "
        "that of the scenes or of the embedded data set; of other pairs it is not known",
    )

    bands: Annotated[Any, AfterValidator(_bands)] = Field(
        None,
        description="bands of the images: null for red, green and blue; or a list of their numbers (from 1) or names, "
        "as GeoTIFFs have them, such as [red, green, blue, nir, swir16]",
    )
    normalisation: Annotated[str, one_of(("auto", *NORMALISATIONS))] = Field(
        "auto",
        description="statistics by which networks normalise images: imagenet (for red, green and blue of 8 bits only), "
        "dataset (those of the training tiles), or auto: imagenet where it is possible, else dataset",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "Data":
        if self.split == "folder" and self.holdout:
            raise ValueError(
                f"holdout = {self.holdout}: is not for split: folder. Add -S data.split=scene, or set this to 0"
            )
        if self.split != "folder" and self.holdout < 2:
            raise ValueError(
                f"holdout = {self.holdout}: leaves nothing to {'train on' if self.holdout else 'validate with'}. "
                "Should be from 2 to the number of images, scenes or blocks"
            )
        if self.layout == "scenes" and self.split == "folder":
            raise ValueError("split = folder: scenes are in no such folders. Should be scene or block")
        if self.layout != "scenes" and self.split == "block":
            raise ValueError("split = block: is for scenes, which lie on the ground. Should be folder or scene")
        if self.layout == "pairs" and self.suffixes and self.suffixes[0] == self.suffixes[1]:
            raise ValueError(f"suffixes = {[*self.suffixes]}: tell no image from a mask. Should be two different ones")
        if self.buffer > self.block:
            raise ValueError(f"buffer = {self.buffer:g}: should be at most block, {self.block:g}")
        if self.points % 2 == 0:
            raise ValueError(f"points = {self.points}: should be odd, so that the point is in the middle")
        if is_url(self.root):
            raise ValueError(
                f"root = {without_secrets(self.root)}: a URL. Copy the data by dvc import-url (docs/sharing.md), and "
                "name the copy"
            )
        for key, path in (("labels", self.labels), ("area", self.area), ("classes", self.classes)):
            if isinstance(path, str) and (Path(path).is_absolute() or ".." in Path(path).parts):
                raise ValueError(f"{key} = {path!r}: should be below root, on which the stages depend")
        if isinstance(self.classes, str):
            return self  # read when it is needed: the data may not be there yet
        try:
            self._check_classes(self.classes)
        except LandcoverError as error:
            raise ValueError(f"classes: {error}") from error
        return self

    def _check_classes(self, entries: Mapping[str, ClassEntry]) -> None:
        for key, name in (("ignore", self.ignore), ("rest", self.rest)):
            if name is not None and name not in entries:
                raise ValueError(f"{key} = {name!r} should be null or one of {', '.join(entries)}")
        ClassTable.of({name: entry.colours for name, entry in entries.items()}, self.ignore)
        owner: dict[str, str] = {}
        for name, entry in entries.items():
            for code in map(str, entry.codes):
                if owner.setdefault(code, name) != name:
                    raise LandcoverError(f"{owner[code]!r} and {name!r} share the code {code}: remove one")

    def entries(self) -> Mapping[str, ClassEntry]:
        """Colours and codes of all classes by name, the ignored one among them, in the order of their table.

        Raises:
            LandcoverError: The file with the table cannot be read, or does not fit the other keys.
        """
        if not isinstance(self.classes, str):
            return self.classes
        path = Path(self.root, self.classes)
        found = read_class_list(path)
        if found.says_ignore and found.ignore != self.ignore:
            raise LandcoverError(
                f"{PARAMS}: data.ignore = {self.ignore or 'null'}: {path} ignores {found.ignore or 'no class'}. Make "
                "them equal."
            )
        try:
            self._check_classes(found.entries)
        except ValueError as error:
            raise LandcoverError(f"{PARAMS}: data.{error}, which {path} has.") from error
        except LandcoverError as error:
            raise LandcoverError(f"{path}: {error}.") from error
        return found.entries

    def table(self) -> ClassTable:
        """The classes in the order of their table, which is that of their label indices. Raises as `entries` does."""
        return ClassTable.of({name: entry.colours for name, entry in self.entries().items()}, self.ignore)

    def codes(self) -> CodeTable | None:
        """The codes of the classes in masks; None if the masks have colours.

        Raises:
            LandcoverError: See `entries`; or the masks have codes, but a class has none.
        """
        if self.masks == "colours":
            return None
        return CodeTable(self.table(), {name: entry.codes for name, entry in self.entries().items()})

    def label_options(self, max_off_palette: float) -> LabelOptions:
        """How labels on the map become those of pixels."""
        codes = {name: entry.codes for name, entry in self.entries().items() if entry.codes}
        names = ("column", "burn", "overlap", "points", "masks", "resample", "rest")
        return LabelOptions(
            self.table(), codes, **{name: getattr(self, name) for name in names}, max_off_palette=max_off_palette
        )

    def folder(self, split: str) -> Path:
        """The folder with the images and masks of `train` or `validation` (layouts of pairs).

        Raises:
            LandcoverError: There are both validation/ and val/.
        """
        root = Path(self.root)
        if self.split != "folder":
            return root / "train" if (root / "train").is_dir() else root
        if split == "validation" and (root / "val").is_dir():
            if (root / split).is_dir():
                raise LandcoverError(f"{root}: both validation/ and val/ are there. Remove or rename one of them.")
            return root / "val"
        return root / split

    def pair_layout(self) -> PairLayout:
        """How images and masks lie in the folders."""
        return PairLayout(self.layout == "folders", self.suffixes or SUFFIXES[self.layout])

    def images(self, split: str) -> dict[str, Path]:
        """The images of a split by name, sorted (layouts of pairs).

        Raises:
            LandcoverError: See `pairs.find_images` and `part`.
        """
        return self.part(split, find_images(self.folder(split), self.pair_layout()))

    def samples(self, split: str, problems: Problems) -> dict[str, Sample]:
        """The pairs of a split by name, sorted (layouts of pairs).

        Args:
            split: `train` or `validation`.
            problems: Gets a line for each file that is unpaired or has the name of another.

        Raises:
            LandcoverError: See `pairs.find_pairs` and `part`.
        """
        found = {sample.name: sample for sample in find_pairs(self.folder(split), problems, self.pair_layout())}
        return self.part(split, found) if found else found

    def part(self, split: str, found: Mapping[str, Item]) -> dict[str, Item]:
        """Select the images of a split from all that were found in its folder, by name.

        Raises:
            LandcoverError: There are none.
        """
        if self.split == "folder":
            return dict(found)
        validating = set(sorted(found)[self.holdout - 1 :: self.holdout])
        part = {name: item for name, item in found.items() if (name in validating) == (split == "validation")}
        if not part:
            raise LandcoverError(
                f"{PARAMS}: data.holdout = {self.holdout}: {self.folder(split)} has only {len(found)} images. Lower it."
            )
        return part
