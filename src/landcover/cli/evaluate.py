"""The commands `landcover evaluate` and `landcover compare`: scores of folders of masks, outside the pipeline."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.cli.arguments import declare, whole
from landcover.system.errors import LandcoverError, Problems, note, requiring_extra

if TYPE_CHECKING:  # here and below: --help must answer at once
    from landcover.scoring.mask_labels import MaskStrips
    from landcover.scoring.scores import Scores

RESAMPLES = 2000  # as params.yaml has it
MAX_OFF_PALETTE = 0.01

_MASKS = """\
Masks are NAME_mask.png (or .tif) of any size, paired by NAME; in a folder where no file is called NAME_mask or
NAME_sat, each NAME.png is a mask. Where every colour of the classes is made of 0 and 255, channels of other colours
count as 0 below 128 and as 255 from there on; any other colour of no class (red, in the course's) is unknown. A class
predicted where the truth is unknown is a false positive; unknown predicted is a miss. A class that is neither present
nor predicted has no IoU ("-", in JSON null) and no part in the mean.

Classes and colours are those of --classes; else of a dataset.json or of a single model beside the masks (in a folder
of masks or the one above it, the truth's first); else of the params.yaml of this project (here or in a folder above);
else the course's. A note says which file it was. Where more of the pixels than --max-off-palette have colours of no
class, nothing is scored: the classes are others.
"""
_EXIT_CODES = """\
exit codes:
  0  all is scored
  1  something is not: masks without a partner (nothing is scored, unless --allow-missing), colours of no class
     (nothing is scored), broken files (the others are scored), wrong input; stderr says what, one line for each
  2  wrong arguments
"""
_EVALUATE = f"""\
{_MASKS}
examples:
  landcover evaluate -g data/dlcv2018/validation -p data/predictions
  landcover evaluate -g truth -p maps --classes models/model.safetensors
  landcover evaluate -g truth -p maps --json | jq .mean_iou

{_EXIT_CODES}"""
_COMPARE = f"""\
The same resamples of the images are scored for both (paired bootstrap, its percentiles widened for few images), so
that easy and hard images fall on both alike. One is better by more than chance if the 95 % interval of the difference
leaves out 0, to which it reaches unless swapping the two on random images hardly ever gives as large a difference
(permutation test). Fewer than 6 images have no verdict, and one has no interval.

{_MASKS}
examples:
  dvc get . data/predictions --rev EXPERIMENT -o maps/EXPERIMENT     # the masks of an experiment, by its name
  landcover compare maps/fcn8s maps/fcn32s -g data/dlcv2018/validation
  landcover compare maps/new maps/old -g truth --json | jq .verdict

{_EXIT_CODES}"""


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Declare both commands."""
    command = declare(
        commands, "evaluate", "score colour masks against the truth, as the course's scorer does", _EVALUATE
    )
    command.add_argument(
        "-p", "--pred", type=Path, required=True, metavar="PREDICTION_DIR", help="folder of the predicted masks"
    )
    _add_common(command, "only the course's lines: no table, no progress, no notes")
    command.set_defaults(run=evaluate)
    command = declare(commands, "compare", "tell whether two predictions differ by more than chance", _COMPARE)
    command.add_argument("a", type=Path, metavar="PRED_A", help="folder of predicted masks")
    command.add_argument("b", type=Path, metavar="PRED_B", help="folder of other masks predicted for the same images")
    command.add_argument(
        "--resamples", type=whole(100), default=RESAMPLES, metavar="N", help=f"of the images ({RESAMPLES})"
    )
    command.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of the resamples (0)")
    _add_common(command, "only the verdict: no figures, no progress, no notes")
    command.set_defaults(run=compare)


def evaluate(arguments: argparse.Namespace) -> None:
    """Print the scores of a folder of masks."""
    from landcover.cli.text import course_lines, score_json, score_table

    (scores,) = _score(arguments, arguments.pred)
    if arguments.json:
        print_json(score_json(scores))
    else:
        print(course_lines(scores))
        if not arguments.quiet:
            print(score_table(scores))
    finish(arguments, [scores])


def compare(arguments: argparse.Namespace) -> None:
    """Print how much better one folder of masks is than another, and whether by more than chance."""
    from landcover.cli.text import difference_json, difference_text
    from landcover.scoring.bootstrap import compare_images

    both = _score(arguments, arguments.a, arguments.b)
    a, b = (scores.per_image for scores in both)
    if not a.keys() & b.keys():
        _raise_broken(both)
        raise LandcoverError(
            f"{arguments.b}: no mask in it has the name of one in {arguments.a}. Give folders of the same images."
        )
    difference = compare_images(a, b, arguments.resamples, arguments.seed)
    if arguments.json:
        print_json({**difference_json(difference), "missing": _missing(both)})
    else:
        if not arguments.quiet:
            print(difference_text(difference))
        print(difference.verdict)
    finish(arguments, both)


def add_max_off_palette(command: argparse.ArgumentParser) -> None:
    """Declare the option of that name."""
    command.add_argument(
        "--max-off-palette",
        type=_share,
        default=MAX_OFF_PALETTE,
        metavar="SHARE",
        help=f"of the pixels of a folder, 0 to 1, that may have colours of no class ({MAX_OFF_PALETTE}; JPEG noise: 1)",
    )


def _add_common(command: argparse.ArgumentParser, quiet: str) -> None:
    command.add_argument(
        "-g", "--labels", type=Path, required=True, metavar="GROUND_TRUTH_DIR", help="folder of the true masks"
    )
    command.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="a params.yaml, model.safetensors or JSON with the classes and their colours (default: see below)",
    )
    add_max_off_palette(command)
    command.add_argument(
        "--allow-missing", action="store_true", help="leave out masks without a partner, and say how many"
    )
    command.add_argument("--json", action="store_true", help="print all figures as JSON, unrounded")
    command.add_argument("-q", "--quiet", action="store_true", help=quiet)


def _score(arguments: argparse.Namespace, *folders: Path) -> list["Scores"]:
    """Scores of the masks of each folder; what is wrong with them is told together."""
    from landcover.classes.class_files import read_class_table
    from landcover.cli.class_search import find_class_table
    from landcover.scoring.scores import score_masks

    if arguments.classes:
        classes, source = read_class_table(arguments.classes), arguments.classes
    else:
        classes, source = find_class_table([arguments.labels, *folders])
        if source and not arguments.quiet:
            note(f"{source}: the classes and their colours are taken from it (--classes takes others)")
    options = {"plain": True, "keep_going": True, "quiet": arguments.quiet, "allow_missing": arguments.allow_missing}
    results, problems = [], Problems()
    for folder in folders:
        with problems.gathered():
            results.append(score_masks(arguments.labels, folder, classes, open_large=_open_large, **options))
    problems.raise_any()
    advice = (
        f"Give the file with their classes as --classes ({source or 'the preset'} has others), or raise "
        "--max-off-palette."
    )
    for folder, scores in zip(folders, results, strict=True):
        for place, side in ((arguments.labels, scores.truth_off_palette), (folder, scores.predicted_off_palette)):
            with problems.gathered():
                side.check(place, arguments.max_off_palette, advice)
    problems.raise_any()
    return results


@contextmanager
def _open_large(path: Path) -> Iterator["MaskStrips"]:
    """Open a mask that is too large to be read as a whole."""
    with requiring_extra(f"{path}: masks of so many pixels", "geo"):
        from landcover.geo.large_masks import open_large_mask
    with open_large_mask(path) as mask:
        yield mask


def _share(text: str) -> float:
    if not 0 <= float(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text}: give a share from 0 to 1")
    return float(text)


def _raise_broken(results: Sequence["Scores"]) -> None:
    """Raise a line for each broken mask, if there are any."""
    problems = Problems()
    problems.lines += [line for scores in results for line in scores.broken]
    problems.raise_any()


def _missing(results: Sequence["Scores"]) -> int:
    """Number of images that were left out of any of the results."""
    return len(frozenset().union(*(scores.missing for scores in results)))


def print_json(content: dict) -> None:
    """Print plain types, indented."""
    print(json.dumps(content, indent=2, allow_nan=False))


def finish(arguments: argparse.Namespace, results: Sequence["Scores"]) -> None:
    """Say what was peculiar about the masks; end in an error if some of them are broken."""
    strays = max(scores.strays for scores in results)
    if (missing := _missing(results)) and not arguments.quiet:
        note(f"{missing} images are left out, whose mask is missing in one of the folders")
    if strays and not arguments.quiet:
        how = "their channels count as 0 or 255" if results[0].classes.saturated else "they count as unknown"
        note(f"{strays} pixels have colours of no class; {how}")
    sys.stdout.flush()
    _raise_broken(results)
