"""The command `landcover models`: the networks that can be trained."""

import click

from landcover.cli.command_line import Command
from landcover.system.errors import LandcoverError

_EPILOG = """\
Examples:
  landcover models
  landcover models --model unet
  landcover models --backbone vgg16_bn
  landcover models --all
  landcover models --all --model fcn8s --backbone 'convnext*'
"""

_SHOWN = ("fcn8s", "resnet50")  # by default, the model that backbones and the backbone that models are shown with


@click.command(cls=Command, epilog=_EPILOG)
@click.option("--model", metavar="NAME", help="List this model, on every recommended backbone.")
@click.option(
    "--backbone",
    metavar="NAME",
    help="List every model on this backbone, or on the recommended ones that match a pattern such as 'resnet*'.",
)
@click.option(
    "--all",
    "from_all",
    is_flag=True,
    help="Match the pattern with the names of all backbones; without a pattern, list these names.",
)
@click.option(
    "--classes", type=int, default=6, metavar="NUMBER", help="Number of classes that the network tells apart, from 1."
)
def models(model: str | None, backbone: str | None, from_all: bool, classes: int) -> None:
    """List the networks that can be trained, with size and cost.

    By default, every model on one backbone, and one model on every recommended backbone.
    """
    from landcover.classes.class_table import MAX_CLASSES
    from landcover.models.encoders import backbones

    if not 1 <= classes <= MAX_CLASSES:
        raise LandcoverError(f"--classes {classes}: give a number from 1 to {MAX_CLASSES}")
    if from_all and backbone is None:
        if model is not None:
            raise LandcoverError(f"--all --model {model}: give a pattern too, such as --backbone 'resnet*'")
        print(*backbones(), sep="\n")
        return
    from landcover.cli.network_table import format_networks, list_networks
    from landcover.models.networks import MODELS

    if model is None and backbone is None:
        model, shown = _SHOWN
        rows = list_networks(backbone=shown, classes=classes)
        for name in (name for name, spec in MODELS.items() if not spec.has_backbone):
            rows += list_networks(name, classes=classes)
        print(format_networks(rows), end="\n\n")
    print(format_networks(list_networks(model, backbone or "*", classes, from_all=from_all)))
    print("GFLOPs: of convolutions and matrix products; a multiply-add is two. Stride: of the finest features used.")
