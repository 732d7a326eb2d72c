"""Draw the colour mask of every validation picture.

in:   data.root/validation/NAME_sat.*, models/model.safetensors
out:  data/predictions/NAME_mask.png
"""

from pathlib import Path
from typing import Annotated

from landcover.devices import DEVICES, choose_device, make_repeatable
from landcover.files import replacing
from landcover.inference import TTA, predict_masks
from landcover.model_file import load_model
from landcover.samples import find_images
from stages.params import Block, Data, one_of, read_block
from stages.runner import run

MODEL = Path("models/model.safetensors")
PREDICTIONS = Path("data/predictions")


class Predict(Block):
    """The block `predict` of params.yaml."""

    tta: Annotated[str, one_of(TTA)]
    device: Annotated[str, one_of(DEVICES)]


def main() -> None:
    """Label every picture at its own size, under its own name."""
    data, params = read_block("data", Data), read_block("predict", Predict)
    make_repeatable()
    model = load_model(MODEL)
    model.network.to(choose_device(params.device))
    images = find_images(data.folder("validation"))
    with replacing(PREDICTIONS) as scratch:
        scratch.mkdir()
        predict_masks(model, images, scratch, params.tta)
    print(f"{PREDICTIONS}: {len(images)} masks")


if __name__ == "__main__":
    run(main)
