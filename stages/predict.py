"""Predict the colour mask of every validation image, and the map of every scene.

in:   data.root, models/model.safetensors
out:  data/predictions/NAME_mask.png of images, NAME_mask.tif of scenes, NAME_confidence beside each;
      metrics/predict.json: the engine that ran the network
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from landcover.inference.engines import engine_in_words
from landcover.inference.mask_files import predict_masks
from landcover.inference.options import (
    ALIGNMENT,
    ENGINES,
    OVERLAP_LIMIT,
    SCALES_IN_WORDS,
    SMALLEST_WINDOW,
    TTA,
    InferenceOptions,
    are_scales,
)
from landcover.inference.prediction import for_inference
from landcover.models.model_file import Model, load_model
from landcover.system.devices import DEVICES, choose_device, make_repeatable
from landcover.system.errors import LandcoverError
from landcover.system.files import replacing, write_metrics
from landcover.system.locations import paths
from landcover.system.outputs import check_outputs
from landcover.system.processes import process_group, shared_folder
from landcover.system.settings import Number, Positive, Settings, listed, one_of
from stages.common.data_block import Data
from stages.common.params import ADVICE, LAUNCH, read_block
from stages.common.paths import METRICS, MODEL, PARAMS, PREDICTIONS
from stages.common.runner import run
from stages.common.scale_block import Scale

if TYPE_CHECKING:
    from landcover.rasters.scenes import Scene

Bands = Sequence[int | str] | None  # of the images: numbers or names

RECORD = METRICS / "predict.json"

BLOCKS = Path("checkpoints/predict")
"""Where finished blocks of maps are kept until all maps are: a killed stage goes on from them."""


def _scales(values: list[float]) -> list[float]:
    if not are_scales(values):
        raise ValueError(f"should be {SCALES_IN_WORDS}")
    return values


class Predict(Settings):
    """The block `predict` of params.yaml."""

    tta: Annotated[str, one_of(TTA)] = Field(
        "d4", description="test-time augmentation: none, flip (2 views averaged) or d4 (8: all flips and quarter turns)"
    )
    scales: Annotated[list[Number], AfterValidator(_scales)] = Field(
        [1.0],
        description="factors on the working resolution at which each of these views is seen, averaged too: such as "
        "[0.75, 1, 1.25]",
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
    engine: Annotated[str, one_of(ENGINES)] = Field(
        "auto",
        description="what runs the network: torch, onnxruntime or openvino (CPUs only); auto: onnxruntime on a CPU, if "
        "it is installed and can run the network, else torch",
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

    def options(self) -> InferenceOptions:
        """How images are labelled."""
        return InferenceOptions(**self.model_dump(exclude={"confidence", "device", "inputs"}))


def main() -> None:
    """Label every image and scene in its own size; write its mask under its name."""
    data, params, scale = read_block("data", Data), read_block("predict", Predict), read_block("scale", Scale)
    check_outputs([MODEL, data.folder("validation")], folders=[PREDICTIONS], advice=ADVICE)
    make_repeatable()
    model = load_model(MODEL)
    if model.classes != data.table():
        raise LandcoverError(f"{MODEL}: its classes are not those of data.classes in params.yaml. Train it again.")
    if data.bands and len(data.bands) != len(model.images.bands):
        raise LandcoverError(f"{MODEL}: its bands are not those of data.bands in params.yaml. Train it again.")
    images: dict[str, Path] = {}
    if data.layout != "scenes":
        images = data.images("validation")
    scenes: Sequence[Scene] = []
    if data.layout == "scenes" or params.inputs is not None:
        from landcover.geo.scene_maps import scenes_to_map  # rasterio

        own = data.scenes if data.layout == "scenes" else None
        scenes = scenes_to_map(Path(data.root), own, params.inputs, images)
    files = [*images.values(), *(file for scene in scenes for file in paths(scene.files))]
    check_outputs(files, files=[RECORD], folders=[PREDICTIONS], advice=ADVICE)
    label = label_here if scale.is_single else partial(label_on_workers, scale)
    if engine := label(model, images, scenes, params, data.bands):
        write_metrics(RECORD, {"engine": engine})
        made = {"mask": len(images), "map": len(scenes)}
        listed_files = [f"{count} {what}{'s' * (count > 1)}" for what, count in made.items() if count]
        print(f"{PREDICTIONS}: {', '.join(listed_files)}, labelled by {engine}")


def label_here(
    model: Model, images: Mapping[str, Path], scenes: "Sequence[Scene]", params: Predict, bands: Bands
) -> str:
    """Label images and scenes in this process, or in those that torchrun started.

    Returns:
        The engine, in the process that prints; in others "".
    """
    device = choose_device(params.device)
    model = for_inference(model, device)
    with process_group(device) as processes, shared_folder(PREDICTIONS, processes) as scratch:
        if processes.is_main:
            model.warn_if_collapsed()
        further: dict[str, Any] = {"bands": bands, "confidence": params.confidence}
        mine = dict(processes.shard(list(images.items())))
        predict_masks(model, mine, scratch, params.options(), **further)
        if scenes:
            from landcover.geo.scene_maps import predict_scenes  # rasterio

            predict_scenes(model, processes.shard(scenes), scratch, params.options(), **further)
        return engine_in_words(model.network, params.engine) if processes.is_main else ""


def label_on_workers(
    scale: Scale, model: Model, images: Mapping[str, Path], scenes: "Sequence[Scene]", params: Predict, bands: Bands
) -> str:
    """Label images one by one, and scenes block by block, on the workers of the block `scale`; return the engine.

    Raises:
        LandcoverError: This is one of several processes that torchrun started.
    """
    if (count := int(os.environ.get("WORLD_SIZE", "1"))) > 1:
        raise LandcoverError(
            f"{PARAMS}: {LAUNCH} starts {count} processes for predict, but scale asks for workers. Set {LAUNCH} to "
            "python, or scale.workers to 0 and scale.scheduler to null."
        )
    from landcover.scale.shared_model import share_engine, share_model

    with scale.cluster(params.device) as cluster, replacing(PREDICTIONS) as scratch:
        assert cluster is not None
        scratch.mkdir()
        model.warn_if_collapsed()
        _, engine = share_engine(cluster, share_model(cluster, model), model, params.engine)
        further: dict[str, Any] = {"bands": bands, "confidence": params.confidence}
        if images:
            from landcover.scale.masks import predict_masks_on

            predict_masks_on(cluster, model, images, scratch, params.options(), **further)
        if scenes:
            from landcover.scale.maps import predict_scenes_on  # rasterio

            further |= {"block": scale.block, "blocks": BLOCKS}  # not in the scratch folder, which a kill empties
            predict_scenes_on(cluster, model, scenes, scratch, params.options(), **further)
    if scenes:
        from landcover.scale.maps import forget_blocks

        forget_blocks(BLOCKS)
    return engine


if __name__ == "__main__":
    run(main, scale=Scale, data=Data, predict=Predict)
