"""Draw docs/images/blocks.png, the blocks of a split on the ground: python docs/blocks.py, after `dvc repro fetch`."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.patches import Patch
from rasterio.windows import Window, from_bounds

from landcover.data.splitting import NEITHER, TRAIN, VALIDATION, split_by_block
from landcover.rasters.access import open_dataset
from landcover.rasters.grid import Grid
from landcover.rasters.scenes import Scene

ROOT = Path(__file__).parents[1]
EARTH = ROOT / "data" / "bluemarble" / "earth.jpg"
EXTENT = (-10, 36, 15, 55)  # west, south, east, north in degrees
BLOCK, HOLDOUT, BUFFER = 300_000, 4, 60_000
LOOKS = {TRAIN: ("trains", "#1b9e77"), VALIDATION: ("validates", "#ff7f0e"), NEITHER: ("neither", "#202020")}


def main() -> None:
    """Draw the sides of all pixels over the image."""
    with open_dataset(EARTH) as earth:
        window = from_bounds(*EXTENT, earth.transform).round_offsets().round_lengths()
        grid = Grid.of(earth).part(window)
        image = np.moveaxis(earth.read(window=window), 0, 2)
    split = split_by_block(BLOCK, HOLDOUT, BUFFER)
    sides = split.sides(Scene("earth", (EARTH,)), grid, Window(0, 0, grid.width, grid.height))
    colours = np.zeros((*sides.shape, 3))
    for side, (_, colour) in LOOKS.items():
        colours[sides == side] = matplotlib.colors.to_rgb(colour)
    figure, axes = pyplot.subplots(figsize=(6, 6), dpi=110, layout="constrained")
    west, south, east, north = EXTENT
    place = {"extent": (west, east, south, north), "aspect": 1 / np.cos(np.radians((south + north) / 2))}
    axes.imshow(0.6 * image / 255 + 0.4 * colours, **place, interpolation="nearest")
    axes.set(xlabel="degrees east", ylabel="degrees north")
    handles = [Patch(color=colour, label=name) for name, colour in LOOKS.values()]
    axes.legend(handles=handles, loc="upper left", framealpha=0.9)
    path = ROOT / "docs" / "images" / "blocks.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
