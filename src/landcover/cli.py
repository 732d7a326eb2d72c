"""The command `landcover`: use a trained model and score masks outside the pipeline; see what can be trained."""

import argparse
import sys
from pathlib import Path

from landcover import __version__, scoring_commands
from landcover.errors import LandcoverError, errors_in_one_line

# The keys of inference.TTA and devices.DEVICES, said again because importing those takes seconds and --help must not.
VIEWS = ("none", "flip", "d4")
DEVICES = ("auto", "cpu", "cuda", "mps")

EXAMPLES = """\
examples:
  landcover predict town.jpg coast.tif -m models/model.safetensors -o maps
  landcover predict pictures/ -m models/model.safetensors -o maps --tta d4
  landcover evaluate -g truth -p maps
  landcover compare maps other_maps -g truth
  landcover models --backbone vgg16_bn
landcover COMMAND --help says more
"""


def main() -> None:
    """Run the command; what a user can mend ends in one line and exit code 1."""
    parser = argparse.ArgumentParser(
        "landcover", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("predict", help="draw the colour mask NAME_mask.png of each picture")
    command.add_argument("input", nargs="+", type=Path, help="a picture, or a folder of pictures NAME_sat.EXT")
    command.add_argument("-m", "--model", type=Path, required=True, help="a model.safetensors")
    command.add_argument("-o", "--output", type=Path, required=True, help="folder for the masks")
    command.add_argument("--tta", default="none", choices=VIEWS, help="average 1, 2 or 8 views")
    command.add_argument("--device", default="auto", choices=DEVICES)
    command.set_defaults(run=predict)
    scoring_commands.add_commands(commands)
    command = commands.add_parser("models", help="list the networks that can be trained, their size and their cost")
    command.add_argument("--model", help="only this one")
    command.add_argument("--backbone", help="only on this one")
    command.add_argument("--classes", type=int, default=6, metavar="N", help="that the network tells apart (6)")
    command.set_defaults(run=models)
    arguments = parser.parse_args()
    try:
        with errors_in_one_line():
            arguments.run(arguments)
    except KeyboardInterrupt:
        sys.exit("interrupted")


def predict(arguments: argparse.Namespace) -> None:
    """Draw masks of pictures; those of a folder and those given by themselves."""
    # Imported here, so that --help answers at once.
    from landcover.devices import choose_device
    from landcover.inference import predict_masks
    from landcover.model_file import load_model
    from landcover.samples import find_images

    model = load_model(arguments.model)
    model.network.to(choose_device(arguments.device))
    images = {}
    for path in arguments.input:
        found = find_images(path) if path.is_dir() else {path.stem.removesuffix("_sat"): path}
        for name in found.keys() & images.keys():
            raise LandcoverError(f"{found[name]}: {images[name]} has the same name. Predict them to different folders.")
        images |= found
    arguments.output.mkdir(parents=True, exist_ok=True)
    predict_masks(model, images, arguments.output, arguments.tta)
    print(f"{arguments.output}: {len(images)} masks")


def models(arguments: argparse.Namespace) -> None:
    """Print a table of the networks."""
    from landcover.model_table import format_table, model_table

    if arguments.classes < 1:
        raise LandcoverError(f"--classes {arguments.classes}: give a number from 1")
    print(format_table(model_table(arguments.model, arguments.backbone, arguments.classes)))
    print("GFLOPs: of convolutions and matrix products; a multiply-add is two. Stride: of the finest features used.")
