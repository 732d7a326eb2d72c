"""Predict the colour mask of every validation image, and the map of every scene.

in:   data.root, models/model.safetensors
out:  data/predictions/NAME_mask.png of images, NAME_mask.tif of scenes, NAME_confidence beside each
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from landcover.inference.mask_files import predict_masks
from landcover.inference.options import ALIGNMENT, OVERLAP_LIMIT, SMALLEST_WINDOW, TTA, InferenceOptions
from landcover.inference.prediction import for_inference
from landcover.models.model_file import load_model
from landcover.system.devices import DEVICES, choose_device, make_repeatable
from landcover.system.errors import LandcoverError
from landcover.system.outputs import check_outputs
from landcover.system.processes import process_group, shared_folder
from landcover.system.settings import Number, Positive, Settings, listed, one_of
from stages.common.data_block import Data
from stages.common.params import ADVICE, read_block
from stages.common.paths import MODEL, PREDICTIONS
from stages.common.runner import run

if TYPE_CHECKING:
    from landcover.rasters.scenes import Scene


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
    confidence: bool = Field(
        True, description="also write how sure the network is of each pixel: NAME_confidence beside each mask"
    )
    device: Annotated[str, one_of(DEVICES)] = Field("auto", description=f"device: {listed(DEVICES)}")
    inputs: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="scenes to map, below data.root: file, folder, pattern or a list of these; null: those of "
        "data.scenes (layout: scenes), else none; validation images in pairs are labelled in any case",
    )


def main() -> None:
    """Label every image and scene in its own size; write its mask under its name."""
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
    images: dict[str, Path] = {}
    if data.layout != "scenes":
        images = data.images("validation")
    scenes: Sequence[Scene] = []
    if data.layout == "scenes" or params.inputs is not None:
        from landcover.geo.scene_maps import predict_scenes, scenes_to_map  # rasterio

        own = data.scenes if data.layout == "scenes" else None
        scenes = scenes_to_map(Path(data.root), own, params.inputs, images)
    files = [*images.values(), *(file for scene in scenes for file in scene.files)]
    check_outputs(files, folders=[PREDICTIONS], advice=ADVICE)
    with process_group(device) as processes, shared_folder(PREDICTIONS, processes) as scratch:
        if processes.is_main:
            model.warn_if_collapsed()
        options = InferenceOptions(**params.model_dump(exclude={"confidence", "device", "inputs"}))
        further: dict[str, Any] = {"bands": data.bands, "confidence": params.confidence}
        predict_masks(model, dict(processes.shard(list(images.items()))), scratch, options, **further)
        if scenes:
            predict_scenes(model, processes.shard(scenes), scratch, options, **further)
    if processes.is_main:
        made = {"mask": len(images), "map": len(scenes)}
        listed_files = [f"{count} {what}{'s' * (count > 1)}" for what, count in made.items() if count]
        print(f"{PREDICTIONS}: {', '.join(listed_files)}")


if __name__ == "__main__":
    run(main, data=Data, predict=Predict)
