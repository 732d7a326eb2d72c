"""Draw the colour mask of every validation image.

in:   data.root/validation/NAME_sat.*, models/model.safetensors
out:  data/predictions/NAME_mask.png
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from landcover.images.pairs import find_images
from landcover.inference.prediction import TTA, for_inference, predict_masks
from landcover.inference.tiling import ALIGNMENT
from landcover.models.model_file import load_model
from landcover.system.devices import DEVICES, choose_device, make_repeatable
from landcover.system.errors import LandcoverError
from landcover.system.outputs import check_outputs
from landcover.system.processes import process_group, shared_folder
from stages.common.params import ADVICE, Block, Data, Number, Positive, one_of, read_block
from stages.common.runner import run

MODEL = Path("models/model.safetensors")
PREDICTIONS = Path("data/predictions")


class Predict(Block):
    """The block `predict` of params.yaml."""

    tta: Annotated[str, one_of(TTA)]
    window: Annotated[int, Field(ge=2 * ALIGNMENT, multiple_of=ALIGNMENT)]
    overlap: Annotated[Number, Field(ge=0, lt=0.9)]
    batch_size: Positive
    device: Annotated[str, one_of(DEVICES)]


def main() -> None:
    """Label every image at its own size, under its own name."""
    data, params = read_block("data", Data), read_block("predict", Predict)
    check_outputs([MODEL, data.folder("validation")], folders=[PREDICTIONS], advice=ADVICE)
    make_repeatable()
    model = load_model(MODEL)
    if model.classes != data.table():
        raise LandcoverError(f"{MODEL}: its classes are not those of data.classes in params.yaml. Train it again.")
    device = choose_device(params.device)
    model = for_inference(model, device)
    images = data.part("validation", find_images(data.folder("validation")))
    check_outputs(images.values(), folders=[PREDICTIONS], advice=ADVICE)
    with process_group(device) as processes, shared_folder(PREDICTIONS, processes) as scratch:
        if processes.is_main:
            model.warn_if_collapsed()
        options = params.model_dump(exclude={"device"})
        predict_masks(model, dict(processes.shard(list(images.items()))), scratch, **options)
    if processes.is_main:
        print(f"{PREDICTIONS}: {len(images)} masks")


if __name__ == "__main__":
    run(main, "data", "predict")
