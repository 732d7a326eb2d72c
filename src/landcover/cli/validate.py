"""The command `landcover validate`: scores of a model on images with masks, outside the pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH
from landcover.cli.options import (
    bands_option,
    device_option,
    inference_options,
    json_option,
    max_off_palette_option,
    models_option,
    quiet_option,
    stretch_option,
)
from landcover.inference.options import InferenceOptions

_EPILOG = """\
FOLDER holds pairs NAME_sat.jpg (or png, tif) and NAME_mask.png (or tif) of any
size, in the colours of the model; images are GeoTIFFs if the model takes other
bands than red, green and blue, or other pixels than of 8 bits. Nothing is
written. It prints

  loss            cross-entropy of the class probabilities, averaged over the
                  pixels whose truth is known
  mean_iou        as landcover evaluate prints it
  pixel_accuracy  share of the pixels with known truth that are right

Examples:
  landcover validate data/bluemarble/validation -m models/model.safetensors
  landcover validate data/mine/validation -m models/model.safetensors --json

Exit codes:
  0  all pairs were scored
  1  some were not: broken files (the others are scored), an image or mask
     without its partner or colours of no class (nothing is scored), or wrong
     input; stderr says what, a line for each
  2  wrong command line
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("folder", type=PATH, metavar="FOLDER", help="Folder of images and their masks.")
@models_option
@inference_options
@device_option
@bands_option
@stretch_option
@max_off_palette_option
@json_option
@quiet_option("Print only the figures: no progress, no notes.")
def validate(
    folder: Path,
    models: Sequence[Path],
    options: InferenceOptions,
    device: str,
    bands: Sequence[int | str] | None,
    stretch: Literal["image"] | tuple[float, float] | None,
    max_off_palette: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Score a model on images with masks."""
    from landcover.cli.mask_scoring import finish
    from landcover.cli.printing import print_json
    from landcover.cli.text import model_scores_json, model_scores_text
    from landcover.images.pairs import find_samples
    from landcover.inference.model_scores import score_model
    from landcover.inference.prediction import for_inference
    from landcover.models.combining import load_models
    from landcover.system.devices import choose_device

    samples = find_samples(folder)
    loaded = for_inference(load_models(models), choose_device(device))
    loaded.warn_if_collapsed()
    result = score_model(loaded, samples, options, bands=bands, stretch=stretch, quiet=quiet)
    advice = f"Give masks in the colours of the classes of {models[0]}, or raise --max-off-palette."
    result.scores.truth_off_palette.check(folder, max_off_palette, advice)
    if as_json:
        print_json(model_scores_json(result))
    else:
        print(model_scores_text(result))
    finish([result.scores], quiet=quiet)
