"""Arguments that several commands take."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The library's, said again because importing it takes seconds and --help must not: the keys of inference.TTA and
# devices.DEVICES, tiling.ALIGNMENT, and what params.yaml has.
VIEWS = ("none", "flip", "d4")
DEVICES = ("auto", "cpu", "cuda", "mps")
ALIGNMENT = 32
WINDOW = 512
OVERLAP = 0.25
BATCH_SIZE = 1


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
        "--tta", default="none", choices=VIEWS, help="average 1 (none, the default), 2 or 8 flipped and turned views"
    )
    command.add_argument(
        "--window",
        type=whole(2 * ALIGNMENT, ALIGNMENT),
        default=WINDOW,
        metavar="PIXELS",
        help=f"side of the windows, at the model's working resolution: a multiple of {ALIGNMENT} ({WINDOW})",
    )
    command.add_argument(
        "--overlap",
        type=share,
        default=OVERLAP,
        metavar="SHARE",
        help=f"of a window that the next one shares, 0 to below 0.9; if any, 96 pixels or half at least ({OVERLAP})",
    )
    command.add_argument(
        "--batch-size",
        type=whole(1),
        default=BATCH_SIZE,
        metavar="N",
        help=f"windows that pass through the network together: more for a GPU ({BATCH_SIZE})",
    )
    command.add_argument("--device", default="auto", choices=DEVICES, help="for the network (auto: the best)")


def inference_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of `inference.label_strips` that `add_inference` declares."""
    return {name: getattr(arguments, name) for name in ("tta", "window", "overlap", "batch_size")}
