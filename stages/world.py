"""Draw the predictions for the embedded data set on a map of the world. Not in dvc.yaml: other data have no such map.

in:   data/bluemarble, data/predictions/NAME_mask.png
out:  plots/world.png, which the README shows
"""

from landcover.images.pairs import find_masks, find_samples
from landcover.report.world import draw_world
from landcover.system.errors import LandcoverError
from landcover.system.outputs import check_outputs
from stages.common.data_block import Data
from stages.common.params import ADVICE, read_block
from stages.common.paths import BLUEMARBLE, PLOTS, PREDICTIONS
from stages.common.runner import run

WORLD = PLOTS / "world.png"


def main() -> None:
    """Draw the tiles of both splits, those with a prediction in full colour."""
    classes = read_block("data", Data).table()
    tiles = [sample for split in ("train", "validation") for sample in find_samples(BLUEMARBLE / split)]
    predictions = {name: path for name, path in find_masks(PREDICTIONS).items() if path.suffix == ".png"}
    if others := predictions.keys() - {tile.name for tile in tiles}:
        raise LandcoverError(
            f"{predictions[min(others)]}: no prediction for {BLUEMARBLE}. Set data.root: {BLUEMARBLE} in params.yaml, "
            "and run dvc repro predict."
        )
    check_outputs([BLUEMARBLE, PREDICTIONS], files=[WORLD], advice=ADVICE)
    draw_world(tiles, predictions, classes, WORLD)
    print(f"{WORLD}: {len(predictions)} tiles with their prediction, {len(tiles) - len(predictions)} without")


if __name__ == "__main__":
    run(main, data=Data)
