"""Predict the colour mask of every validation image.

in:   data.root/validation/NAME_sat.*, models/model.safetensors
out:  data/predictions/NAME_mask.png
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

from pydantic import Field

from landcover.images.pairs import find_images
from landcover.inference.mask_files import predict_masks
from landcover.inference.options import ALIGNMENT, OVERLAP_LIMIT, SMALLEST_WINDOW, TTA, InferenceOptions
from landcover.inference.prediction import for_inference
from landcover.models.model_file import load_model
from landcover.system.devices import DEVICES, choose_device, make_repeatable
from landcover.system.errors import LandcoverError
from landcover.system.files import replacing
from landcover.system.outputs import check_outputs
from landcover.system.processes import Processes, process_group
from landcover.system.settings import Number, Positive, Settings, listed, one_of
from stages.common.params import ADVICE, Data, read_block
from stages.common.paths import MODEL, PREDICTIONS
from stages.common.runner import run


class Predict(Settings):
    """The block `predict` of params.yaml."""

    tta: Annotated[str, one_of(TTA)] = Field(
        "d4", description="test-time augmentation: none, flip (2 views averaged) or d4 (8: all flips and quarter turns)"
    )
    window: Annotated[int, Field(ge=SMALLEST_WINDOW, multiple_of=ALIGNMENT)] = Field(
        512,
        description="side in pixels, at working resolution, of the overlapping windows in which larger images are "
        "labelled",
    )
    overlap: Annotated[Number, Field(ge=0, lt=OVERLAP_LIMIT)] = Field(
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
    if data.bands and len(data.bands) != len(model.images.bands):
        raise LandcoverError(f"{MODEL}: its bands are not those of data.bands in params.yaml. Train it again.")
    device = choose_device(params.device)
    model = for_inference(model, device)
    images = data.part("validation", find_images(data.folder("validation")))
    check_outputs(images.values(), folders=[PREDICTIONS], advice=ADVICE)
    with process_group(device) as processes, shared_folder(PREDICTIONS, processes) as scratch:
        if processes.is_main:
            model.warn_if_collapsed()
        options = InferenceOptions(**params.model_dump(exclude={"device"}))
        shard = dict(processes.shard(list(images.items())))
        predict_masks(model, shard, scratch, options, bands=data.bands)
    if processes.is_main:
        print(f"{PREDICTIONS}: {len(images)} masks")


@contextmanager
def shared_folder(path: Path, processes: Processes) -> Iterator[Path]:
    """Yield a scratch folder, the same to all processes, which replaces `path` when all of them are done."""
    with replacing(path) if processes.is_main else nullcontext() as scratch:
        if scratch:
            scratch.mkdir()
        yield processes.broadcast_object(scratch or path)
        processes.barrier()


if __name__ == "__main__":
    run(main, data=Data, predict=Predict)
