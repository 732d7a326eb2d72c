"""The command `landcover models`: the networks that can be trained."""

import click

from landcover.cli.command_line import Command
from landcover.system.errors import LandcoverError

_EPILOG = """\
Examples:
  landcover models
  landcover models --backbone vgg16_bn
  landcover models --model fcn8s --backbone vgg16_bn
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.option("--model", metavar="NAME", help="List only this model.")
@click.option("--backbone", metavar="NAME", help="List only models on this backbone.")
@click.option(
    "--classes", type=int, default=6, metavar="NUMBER", help="Number of classes that the network tells apart, from 1."
)
def models(model: str | None, backbone: str | None, classes: int) -> None:
    """List the networks that can be trained, with size and cost."""
    from landcover.classes.class_table import MAX_CLASSES
    from landcover.cli.network_table import format_networks, list_networks

    if not 1 <= classes <= MAX_CLASSES:
        raise LandcoverError(f"--classes {classes}: give a number from 1 to {MAX_CLASSES}")
    print(format_networks(list_networks(model, backbone, classes)))
    print("GFLOPs: of convolutions and matrix products; a multiply-add is two. Stride: of the finest features used.")
