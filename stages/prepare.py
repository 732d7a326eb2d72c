"""Decode the data set into tiles that training can read without decoding.

in:   data.root/{train,validation}/NAME_sat.*, NAME_mask.png, or as data.layout says
out:  data/prepared/{train,validation}/images.npy, labels.npy, tiles.csv; data/prepared/dataset.json
      plots/data.csv (share of the pixels of each class)
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import Field

from landcover.classes.class_table import ClassTable
from landcover.data.preparation import prepare
from landcover.data.tile_files import Prepared
from landcover.data.tiles import Dataset, write_dataset
from landcover.images.image_spec import ImageSpec
from landcover.system.errors import LandcoverError, Problems, warn
from landcover.system.files import replacing, write_table
from landcover.system.mapping import Mapper, map_in_threads
from landcover.system.outputs import check_only_own_files, check_outputs
from landcover.system.settings import Number, Settings, Share, Side
from stages.common.data_block import Data
from stages.common.params import ADVICE, read_block
from stages.common.paths import BLUEMARBLE, PLOTS, PREPARED
from stages.common.runner import run
from stages.common.scale_block import Scale

SHARES = PLOTS / "data.csv"
MADE = ("dataset.json", "*/images.npy", "*/labels.npy", "*/tiles.csv")
EMBEDDED_RESOLUTION = 7420.0  # metres per pixel from north to south: 15 degrees of 111.3 km are 225 pixels


class Prepare(Settings):
    """The block `prepare` of params.yaml."""

    tile: Side = Field(256, description="side in pixels of the square tiles into which images are cut for training")
    scale: Annotated[Number, Field(gt=0, le=1)] = Field(
        1.0, description="working resolution: 0.5 halves height and width; masks are predicted in full size"
    )
    max_off_palette: Share = Field(
        0.001,
        description="largest allowed share of a mask's pixels whose colours belong to no class; they count as unknown",
    )


def main() -> None:
    """Decode both splits, then print what was found."""
    data, params, scale = read_block("data", Data), read_block("prepare", Prepare), read_block("scale", Scale)
    root, is_scenes = Path(data.root), data.layout == "scenes"
    folders = [] if is_scenes else [data.folder(split) for split in ("train", "validation")]
    check_outputs(folders, files=[SHARES], folders=[PREPARED], advice=ADVICE)
    check_only_own_files(PREPARED, MADE, "Move it.")
    with scale.mapper() as workers, replacing(PREPARED) as scratch:
        mapper = workers or map_in_threads
        scratch.mkdir()
        if is_scenes:
            from stages.common.scene_tiles import prepare_data_scenes  # imports geopandas

            splits, resolution = prepare_data_scenes(data, scratch, mapper, **params.model_dump())
        else:
            splits, resolution = prepare_pairs(data, params, scratch, mapper), None
        dataset = Dataset(
            data.table(),
            params.scale,
            root=root.name if root.is_absolute() else data.root,
            split=split_record(data),
            images={split: found.images for split, found in splits.items()},
            resolution=resolution_of(data, resolution),
            measured=splits["train"].spec,
            normalisation=normalisation_of(data, splits["train"].spec),
        )
        write_dataset(scratch, dataset)
    write_table(SHARES, shares(splits))
    tell(data, splits)


def prepare_pairs(data: Data, params: Prepare, folder: Path, mapper: Mapper) -> dict[str, Prepared]:
    """Decode images and their masks into new folders `train` and `validation`.

    Raises:
        LandcoverError: A line for each file that cannot be used.
    """
    classes, codes = data.table(), data.codes()
    splits: dict[str, Prepared] = {}
    problems = Problems()
    for split in ("train", "validation"):
        with problems.collecting():
            samples = [*data.samples(split, problems).values()]
            files = [path for sample in samples for path in (sample.image, sample.mask)]
            check_outputs(files, folders=[PREPARED], advice=ADVICE)
            if samples:
                like = splits["train"].spec if "train" in splits else None
                options = {"bands": data.bands, "like": like, "codes": codes, **params.model_dump()}
                splits[split] = prepare(samples, classes, folder / split, mapper=mapper, **options)
    problems.raise_any()
    return splits


def tell(data: Data, splits: dict[str, Prepared]) -> None:
    """Print what was found."""
    classes, is_scenes = data.table(), data.layout == "scenes"
    truth = Path(data.root, data.labels) if is_scenes else data.folder("train")
    image, masks = ("scene", "labels") if is_scenes else ("image", "masks")
    for split, found in splits.items():
        labelled = f", {found.labelled} labelled: {listed_shares(found, classes)}" if is_scenes else ""
        images = f"{found.images} {image}{'s' * (found.images > 1)}"
        print(f"{PREPARED / split}: {found.tiles} tiles of {images}, {found.pixels} pixels{labelled}")
    if off_palette := sum(found.off_palette for found in splits.values()):
        warn(f"{data.root}: {off_palette} mask pixels have {data.masks} of no class and count as unknown")
    if unseen := sum(found.unseen for found in splits.values()):
        warn(
            f"{data.root}: {unseen} pixels have a class in the {masks} but no data in the images, and count as unknown"
        )
    for name in classes.names:
        if splits["train"].share[name] == 0:
            warn(f"{truth}: class {name!r} never occurs{' where it trains' * is_scenes} and cannot be learned")
        elif is_scenes and splits["validation"].share[name] == 0:
            warn(f"{truth}: class {name!r} never occurs where it validates and cannot be scored")


def split_record(data: Data) -> dict[str, str | int | float]:
    """What validates, as far as parameters apply: for `Dataset.split`."""
    record: dict[str, str | int | float] = {"layout": data.layout, "split": data.split, "holdout": data.holdout}
    return record | ({"block": data.block, "buffer": data.buffer} if data.split == "block" else {})


def resolution_of(data: Data, of_scenes: float | None = None) -> float | None:
    """Metres of ground that a pixel covers; None if unknown.

    Args:
        data: The block.
        of_scenes: What the scenes tell, if there are any.
    """
    if data.resolution == "auto":
        is_embedded = data.layout == "pairs" and Path(data.root) == BLUEMARBLE
        return EMBEDDED_RESOLUTION if is_embedded else of_scenes
    return None if data.resolution is None else float(data.resolution)


def normalisation_of(data: Data, images: ImageSpec) -> str:
    """By which statistics networks normalise: one of `image_spec.NORMALISATIONS`.

    Raises:
        LandcoverError: ImageNet's are asked for, but there are none for such images.
    """
    if data.normalisation == "auto":
        return "imagenet" if images.is_rgb else "dataset"
    if data.normalisation == "imagenet" and not images.is_rgb:
        raise LandcoverError(
            f"`normalisation` = imagenet: is for red, green and blue of 8 bits, not for {', '.join(images.bands)} of "
            f"{images.dtype}. Set it to dataset."
        )
    return data.normalisation


def listed_shares(found: Prepared, classes: ClassTable) -> str:
    """The share of each class in the labelled pixels, in words."""
    return ", ".join(f"{name} {found.share[name]:.1%}" for name in classes.names)


def shares(splits: dict[str, Prepared]) -> pd.DataFrame:
    """A row for each class: its share of the pixels of each split, see `Prepared.share`."""
    columns = {split: found.share for split, found in splits.items()}
    return pd.DataFrame(columns).rename_axis("class").reset_index()


if __name__ == "__main__":
    run(main, scale=Scale, data=Data, prepare=Prepare)
