"""The command `landcover validate`: scores of a model on images with masks, outside the pipeline."""

import argparse
from pathlib import Path

from landcover.cli.arguments import add_inference, declare, inference_options
from landcover.cli.evaluate import add_max_off_palette, finish, print_json

_EPILOG = """\
DATA_DIR holds pairs NAME_sat.jpg (or png, tif) and NAME_mask.png (or tif) of any size, in the model's colours. Nothing
is written. It prints

  loss            cross-entropy of the class probabilities, mean over the pixels whose truth is known
  mean_iou        as landcover evaluate prints it
  pixel_accuracy  share of the known pixels that are right

examples:
  landcover validate data/bluemarble/validation -m models/model.safetensors
  landcover validate data/mine/validation -m models/model.safetensors --tta d4 --json

exit codes:
  0  all pairs are scored
  1  some are not: broken files (the others are scored), an image or mask without the other, colours of no class
     (nothing is scored), wrong input; stderr says what, one line for each
  2  wrong arguments
"""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Declare it."""
    command = declare(commands, "validate", "score a model on images with masks; writes nothing", _EPILOG)
    command.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of images and masks")
    add_inference(command)
    add_max_off_palette(command)
    command.add_argument("--json", action="store_true", help="print the figures as JSON, unrounded, with IoU by class")
    command.add_argument("-q", "--quiet", action="store_true", help="only the figures: no progress, no notes")
    command.set_defaults(run=validate)


def validate(arguments: argparse.Namespace) -> None:
    """Print the loss and the scores of a model."""
    # Imported here, so that --help answers at once.
    from landcover.cli.text import model_json, model_lines
    from landcover.images.pairs import find_samples
    from landcover.inference.model_scores import score_model
    from landcover.inference.prediction import for_inference
    from landcover.models.model_file import load_model
    from landcover.system.devices import choose_device

    samples = find_samples(arguments.data)
    model = for_inference(load_model(arguments.model), choose_device(arguments.device))
    model.warn_if_collapsed()
    result = score_model(model, samples, quiet=arguments.quiet, **inference_options(arguments))
    advice = f"The classes of {arguments.model} have others: give masks in its colours, or raise --max-off-palette."
    result.scores.truth_off_palette.check(arguments.data, arguments.max_off_palette, advice)
    if arguments.json:
        print_json(model_json(result))
    else:
        print(model_lines(result))
    finish(arguments, [result.scores])
