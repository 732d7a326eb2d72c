"""The command `landcover predict`: colour masks of any pictures, outside the pipeline."""

import argparse
import glob
from pathlib import Path

from landcover.arguments import overlap, whole
from landcover.errors import LandcoverError

# The library's, said again because importing it takes seconds and --help must not: the keys of inference.TTA and
# devices.DEVICES, tiling.ALIGNMENT, and what params.yaml has.
VIEWS = ("none", "flip", "d4")
DEVICES = ("auto", "cpu", "cuda", "mps")
ALIGNMENT = 32
WINDOW = 512
OVERLAP = 0.25
BATCH_SIZE = 1

_EPILOG = """\
INPUT is a picture, a folder or a pattern such as "pictures/**/*.jpg" (in quotes, it reaches beyond the length of a
command line). Of a folder in which files are called NAME_sat.EXT only these are pictures; of any other, all jpg, png
and tif but NAME_mask. The mask of NAME.EXT or NAME_sat.EXT is NAME_mask.png, in the picture's own size.

Pictures larger than the window are labelled in overlapping windows that are blended, so that memory for the network
does not grow with their height.

Masks that are there already are kept: after an interruption, the same command goes on.

examples:
  landcover predict town.jpg coast.tif -m models/model.safetensors -o maps
  landcover predict pictures/ -m models/model.safetensors -o maps --tta d4
  landcover predict "pictures/**/*.jpg" -m models/model.safetensors -o maps --overwrite --quiet
  landcover predict big.png -m models/model.safetensors -o maps --device cuda --window 1024 --batch-size 8

exit codes:
  0  every picture has its mask
  1  some have not: broken pictures (the others have theirs), wrong input; stderr says what, one line for each
  2  wrong arguments
"""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Declare it."""
    command = commands.add_parser(
        "predict",
        help="draw the colour mask NAME_mask.png of each picture",
        description="Draw the colour mask NAME_mask.png of each picture.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("input", nargs="+", metavar="INPUT", help="a picture, a folder or a pattern")
    command.add_argument("-m", "--model", type=Path, required=True, metavar="FILE", help="a model.safetensors")
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="for the masks")
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
        type=overlap,
        default=OVERLAP,
        metavar="SHARE",
        help=f"of a window that the next one covers too, 0 to below 0.9 ({OVERLAP})",
    )
    command.add_argument(
        "--batch-size",
        type=whole(1),
        default=BATCH_SIZE,
        metavar="N",
        help=f"windows that pass through the network together: more for a GPU ({BATCH_SIZE})",
    )
    command.add_argument("--device", default="auto", choices=DEVICES, help="for the network (auto: the best)")
    command.add_argument("--overwrite", action="store_true", help="draw masks anew that are there already")
    command.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary; errors only")
    command.set_defaults(run=predict)


def predict(arguments: argparse.Namespace) -> None:
    """Draw the masks that are not there yet; end in an error that lists the pictures that have none."""
    # Imported here, so that --help answers at once.
    from landcover.devices import choose_device
    from landcover.inference import predict_masks
    from landcover.model_file import load_model

    images = _find(arguments.input)
    model = load_model(arguments.model)
    model.network.to(choose_device(arguments.device))
    arguments.output.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in arguments.output.iterdir()}
    new = {name: path for name, path in images.items() if arguments.overwrite or f"{name}_mask.png" not in there}
    options = {name: getattr(arguments, name) for name in ("tta", "window", "overlap", "batch_size")}
    broken = predict_masks(model, new, arguments.output, keep_going=True, quiet=arguments.quiet, **options)
    if not arguments.quiet:
        kept = len(images) - len(new)
        more = f"; {kept} kept that were there (--overwrite draws them anew)" if kept else ""
        print(f"{arguments.output}: {len(new) - len(broken)} masks{more}", flush=True)
    if broken:
        raise LandcoverError("\n".join(broken))


def _find(inputs: list[str]) -> dict[str, Path]:
    """The pictures by the names of their masks."""
    images = {}
    for path in (path for text in inputs for path in _expanded(text)):
        found = _of_folder(path) if path.is_dir() else {path.stem.removesuffix("_sat"): path}
        for name in sorted(found.keys() & images.keys()):
            if found[name].resolve() != images[name].resolve():
                raise LandcoverError(
                    f"{found[name]}: {images[name]} has the same name. Predict them to different folders."
                )
        images |= found
    return images


def _expanded(text: str) -> list[Path]:
    """The paths that a text stands for: itself, or what it matches if it is a pattern and there is no such file."""
    if Path(text).exists() or not glob.has_magic(text):
        return [Path(text)]
    found = [path for path in map(Path, sorted(glob.glob(text, recursive=True))) if path.is_file()]  # noqa: PTH207
    if not found:
        raise LandcoverError(f"{text}: no file is called so. Mend the pattern, or name a picture or a folder.")
    return found


def _of_folder(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by name: those called NAME_sat.EXT, or if there are none of these, all but NAME_mask.EXT."""
    from landcover.samples import IMAGE_SUFFIXES, find_images

    stems = [(path.stem, path) for path in sorted(folder.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES]
    plain = [(stem, path) for stem, path in stems if not stem.endswith("_mask")]
    if not plain or any(stem.endswith("_sat") for stem, _ in plain):
        return find_images(folder)
    found = {}
    for stem, path in plain:
        if stem in found:
            raise LandcoverError(f"{path}: {found[stem].name} has the same name. Remove or rename one of them.")
        found[stem] = path
    return found
