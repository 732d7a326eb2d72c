"""Decode the data set into tiles that training can read without decoding.

in:   data.root/{train,validation}/NAME_sat.*, NAME_mask.png
out:  data/prepared/{train,validation}/images.npy, labels.npy, tiles.csv; data/prepared/dataset.json
      metrics/data.json
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from landcover.errors import Problems, warn
from landcover.files import replacing, write_metrics
from landcover.outputs import check_made_of, check_outputs
from landcover.preparation import prepare
from landcover.samples import find_pairs
from landcover.tiles import write_dataset
from stages.params import ADVICE, Block, Data, Number, Side, read_block
from stages.runner import run

PREPARED = Path("data/prepared")
METRICS = Path("metrics/data.json")
MADE = ("dataset.json", "*/images.npy", "*/labels.npy", "*/tiles.csv")


class Prepare(Block):
    """The block `prepare` of params.yaml."""

    tile: Side
    scale: Annotated[Number, Field(gt=0, le=1)]
    max_off_palette: Annotated[Number, Field(ge=0, le=1)]


def main() -> None:
    """Decode both splits, then say what was found."""
    data, params = read_block("data", Data), read_block("prepare", Prepare)
    classes = data.table()
    figures, problems = {}, Problems()
    folders = [data.folder(split) for split in ("train", "validation")]
    check_outputs(folders, files=[METRICS], folders=[PREPARED], advice=ADVICE)
    check_made_of(PREPARED, MADE, "Move it.")
    with replacing(PREPARED) as scratch:
        scratch.mkdir()
        for split in ("train", "validation"):
            with problems.gathered():
                samples, lines = find_pairs(data.folder(split))
                problems.lines += lines
                files = [path for sample in samples for path in (sample.image, sample.mask)]
                check_outputs(files, folders=[PREPARED], advice=ADVICE)
                if samples:
                    samples = list(data.part(split, {sample.name: sample for sample in samples}).values())
                    figures[split] = prepare(samples, classes, scratch / split, **params.model_dump())
        problems.raise_any()
        write_dataset(scratch, classes, params.scale)
    write_metrics(METRICS, figures)
    for split, found in figures.items():
        print(f"{PREPARED / split}: {found['tiles']} tiles of {found['images']} pictures, {found['pixels']} pixels")
    if strays := sum(found["off_palette"] for found in figures.values()):
        warn(f"{data.root}: {strays} mask pixels have colours of no class and count as unknown")
    for name in classes.names:
        if figures["train"]["share"][name] == 0:
            warn(f"{data.folder('train')}: class {name!r} never occurs and cannot be learned")


if __name__ == "__main__":
    run(main)
