"""Decode the data set into tiles that training can read without decoding.

in:   data.root/{train,validation}/NAME_sat.*, NAME_mask.png
out:  data/prepared/{train,validation}/images.npy, labels.npy, tiles.csv; data/prepared/dataset.json
      plots/data.csv (share of the pixels of each class)
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import Field

from landcover.data.preparation import Prepared, prepare
from landcover.data.tiles import Dataset, write_dataset
from landcover.images.image_spec import ImageSpec
from landcover.images.pairs import find_pairs
from landcover.system.errors import LandcoverError, Problems, warn
from landcover.system.files import replacing, write_table
from landcover.system.outputs import check_only_own_files, check_outputs
from landcover.system.settings import Number, Settings, Share, Side
from stages.common.params import ADVICE, Data, read_block
from stages.common.paths import BLUEMARBLE, PLOTS, PREPARED
from stages.common.runner import run

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
    data, params = read_block("data", Data), read_block("prepare", Prepare)
    classes = data.table()
    splits: dict[str, Prepared] = {}
    problems = Problems()
    folders = [data.folder(split) for split in ("train", "validation")]
    check_outputs(folders, files=[SHARES], folders=[PREPARED], advice=ADVICE)
    check_only_own_files(PREPARED, MADE, "Move it.")
    with replacing(PREPARED) as scratch:
        scratch.mkdir()
        for split in ("train", "validation"):
            with problems.collecting():
                samples = find_pairs(data.folder(split), problems)
                files = [path for sample in samples for path in (sample.image, sample.mask)]
                check_outputs(files, folders=[PREPARED], advice=ADVICE)
                if samples:
                    samples = list(data.part(split, {sample.name: sample for sample in samples}).values())
                    like = splits["train"].spec if "train" in splits else None
                    options = {"bands": data.bands, "like": like, **params.model_dump()}
                    splits[split] = prepare(samples, classes, scratch / split, **options)
        problems.raise_any()
        root = Path(data.root)
        dataset = Dataset(
            classes,
            params.scale,
            root=root.name if root.is_absolute() else data.root,
            holdout=data.holdout,
            images={split: found.images for split, found in splits.items()},
            resolution=resolution_of(data),
            measured=splits["train"].spec,
            normalisation=normalisation_of(data, splits["train"].spec),
        )
        write_dataset(scratch, dataset)
    write_table(SHARES, shares(splits))
    for split, found in splits.items():
        print(f"{PREPARED / split}: {found.tiles} tiles of {found.images} images, {found.pixels} pixels")
    if off_palette := sum(found.off_palette for found in splits.values()):
        warn(f"{data.root}: {off_palette} mask pixels have colours of no class and count as unknown")
    if unseen := sum(found.unseen for found in splits.values()):
        warn(
            f"{data.root}: {unseen} pixels have a class in the masks but no data in the images; they are not learned, "
            "and where a map has none of its classes, evaluate counts it as wrong. Make them unknown in the masks"
        )
    for name in classes.names:
        if splits["train"].share[name] == 0:
            warn(f"{data.folder('train')}: class {name!r} never occurs and cannot be learned")


def resolution_of(data: Data) -> float | None:
    """Metres of ground that a pixel covers; None if unknown."""
    if data.resolution == "auto":
        return EMBEDDED_RESOLUTION if Path(data.root) == BLUEMARBLE else None
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


def shares(splits: dict[str, Prepared]) -> pd.DataFrame:
    """A row for each class: its share of the pixels of each split."""
    columns = {split: found.share for split, found in splits.items()}
    return pd.DataFrame(columns).rename_axis("class").reset_index()


if __name__ == "__main__":
    run(main, data=Data, prepare=Prepare)
