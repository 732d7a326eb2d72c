"""Arguments that several commands take."""

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from landcover.inference.options import ALIGNMENT, DEFAULTS, SMALLEST_WINDOW, TTA, InferenceOptions
from landcover.system.devices import DEVICES


def declare(commands: argparse._SubParsersAction, name: str, summary: str, epilog: str) -> argparse.ArgumentParser:
    """Declare a command: what it does, in a sentence without its full stop, and what --help says below that."""
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def whole(least: int, multiple: int = 1, most: int = 2**31 - 1) -> Callable[[str], int]:
    """A type for argparse: a whole number from `least` to `most` that is a multiple of `multiple`."""

    def whole(text: str) -> int:
        if not least <= int(text) <= most or int(text) % multiple:
            kind = f"a multiple of {multiple}" if multiple > 1 else "a number"
            raise argparse.ArgumentTypeError(f"{text}: give {kind} from {least} to {most}")
        return int(text)

    return whole


def share(text: str) -> float:
    """A type for argparse: how much of a window the next one covers too."""
    if not 0 <= float(text) < 0.9:
        raise argparse.ArgumentTypeError(f"{text}: give a share from 0 to below 0.9")
    return float(text)


def add_inference(command: argparse.ArgumentParser) -> None:
    """Declare the model and how it labels images; `inference_options` reads all but the model and the device."""
    command.add_argument("-m", "--model", type=Path, required=True, metavar="FILE", help="a model.safetensors")
    command.add_argument(
        "--tta",
        default=DEFAULTS.tta,
        choices=TTA,
        help="average 1 (none, the default), 2 or 8 flipped and turned views",
    )
    command.add_argument(
        "--window",
        type=whole(SMALLEST_WINDOW, ALIGNMENT),
        default=DEFAULTS.window,
        metavar="PIXELS",
        help=f"side of the windows, at the model's working resolution: a multiple of {ALIGNMENT} ({DEFAULTS.window})",
    )
    command.add_argument(
        "--overlap",
        type=share,
        default=DEFAULTS.overlap,
        metavar="SHARE",
        help="of a window that the next one shares, 0 to below 0.9; if any, 96 pixels or half at least "
        f"({DEFAULTS.overlap})",
    )
    command.add_argument(
        "--batch-size",
        type=whole(1),
        default=DEFAULTS.batch_size,
        metavar="N",
        help=f"windows that pass through the network together: more for a GPU ({DEFAULTS.batch_size})",
    )
    command.add_argument("--device", default="auto", choices=DEVICES, help="for the network (auto: the best)")


def inference_options(arguments: argparse.Namespace) -> InferenceOptions:
    """The options that `add_inference` declares."""
    return InferenceOptions(**{field.name: getattr(arguments, field.name) for field in fields(InferenceOptions)})
