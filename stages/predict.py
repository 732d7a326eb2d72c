"""Predict the colour mask of every validation image.

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
from landcover.system.settings import Number, Positive, Settings, listed, one_of
from stages.common.params import ADVICE, Data, read_block
from stages.common.runner import run

MODEL = Path("models/model.safetensors")
PREDICTIONS = Path("data/predictions")


class Predict(Settings):
    """The block `predict` of params.yaml."""

    tta: Annotated[str, one_of(TTA)] = Field(
        "d4", description="test-time augmentation: none, flip (2 views averaged) or d4 (8: all flips and quarter turns)"
    )
    window: Annotated[int, Field(ge=2 * ALIGNMENT, multiple_of=ALIGNMENT)] = Field(
        512,
        description="side in pixels, at working resolution, of the overlapping windows in which larger images are "
        "labelled",
    )
    overlap: Annotated[Number, Field(ge=0, lt=0.9)] = Field(
        0.25,
        description="share of a window's side that the next window covers too, blended; if any, at least 96 pixels or "
        "half the side",
    )
    batch_size: Positive = Field(
        1, description="windows that pass through the network together: 1 for a CPU, 8 or more for a GPU"
    )
    device: Annotated[str, one_of(DEVICES)] = Field("auto", description=f"device: {listed(DEVICES)}")


def main() -> None:
    """Label every image in its own size; write its mask under its name."""
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
    run(main, data=Data, predict=Predict)
