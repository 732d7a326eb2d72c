"""The commands `landcover evaluate` and `landcover compare`: scores of folders of masks, outside the pipeline."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.arguments import declare, whole
from landcover.errors import Problems, note

if TYPE_CHECKING:  # here and below: --help must answer at once
    from landcover.scoring import Scores

RESAMPLES = 2000  # as params.yaml has it

_MASKS = """\
Masks are NAME_mask.png (or .tif) of any size, paired by NAME; in a folder where no file is called NAME_mask or
NAME_sat, each NAME.png is a mask. Where every colour of the classes is made of 0 and 255, channels of other colours
count as 0 below 128 and as 255 from there on; any other colour of no class (red, in the course's) is unknown. A class
predicted where the truth is unknown is a false positive; unknown predicted is a miss. A class that is neither present
nor predicted has no IoU ("-", in JSON null) and no part in the mean.
"""
_EXIT_CODES = """\
exit codes:
  0  all is scored
  1  something is not: masks without a partner (nothing is scored, unless --allow-missing), broken files (the others
     are scored), wrong input; stderr says what, one line for each
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
The same resamples of the pictures are scored for both (paired bootstrap), so that easy and hard pictures fall on both
alike. One is better by more than chance if the 95 % interval of the difference leaves out 0.

{_MASKS}
examples:
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
    command.add_argument("b", type=Path, metavar="PRED_B", help="folder of other masks predicted for the same pictures")
    command.add_argument(
        "--resamples", type=whole(100), default=RESAMPLES, metavar="N", help=f"of the pictures ({RESAMPLES})"
    )
    command.add_argument("--seed", type=whole(0), default=0, metavar="N", help="of the resamples (0)")
    _add_common(command, "only the verdict: no figures, no progress, no notes")
    command.set_defaults(run=compare)


def evaluate(arguments: argparse.Namespace) -> None:
    """Print the scores of a folder of masks."""
    from landcover.reports import course_lines, score_json, score_table

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
    from landcover.bootstrap import compare_pictures
    from landcover.reports import difference_json, difference_text

    both = _score(arguments, arguments.a, arguments.b)
    a, b = (scores.per_picture for scores in both)
    if not a.keys() & b.keys():
        _raise_broken(both)
    difference = compare_pictures(a, b, arguments.resamples, arguments.seed)
    if arguments.json:
        print_json({**difference_json(difference), "missing": _missing(both)})
    else:
        if not arguments.quiet:
            print(difference_text(difference))
        print(difference.verdict)
    finish(arguments, both)


def _add_common(command: argparse.ArgumentParser, quiet: str) -> None:
    command.add_argument(
        "-g", "--labels", type=Path, required=True, metavar="GROUND_TRUTH_DIR", help="folder of the true masks"
    )
    command.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="a params.yaml, model.safetensors or JSON with the classes and their colours (default: the course's)",
    )
    command.add_argument(
        "--allow-missing", action="store_true", help="leave out masks without a partner, and say how many"
    )
    command.add_argument("--json", action="store_true", help="print all figures as JSON, unrounded")
    command.add_argument("-q", "--quiet", action="store_true", help=quiet)


def _score(arguments: argparse.Namespace, *folders: Path) -> list["Scores"]:
    """Scores of the masks of each folder; what is wrong with them is told together."""
    from landcover.class_files import read_class_table
    from landcover.classes import DEEPGLOBE
    from landcover.scoring import score_masks

    classes = read_class_table(arguments.classes) if arguments.classes else DEEPGLOBE
    options = {"plain": True, "keep_going": True, "quiet": arguments.quiet, "allow_missing": arguments.allow_missing}
    results, problems = [], Problems()
    for folder in folders:
        with problems.gathered():
            results.append(score_masks(arguments.labels, folder, classes, **options))
    problems.raise_any()
    return results


def _raise_broken(results: Sequence["Scores"]) -> None:
    """Raise a line for each broken mask, if there are any."""
    problems = Problems()
    problems.lines += [line for scores in results for line in scores.broken]
    problems.raise_any()


def _missing(results: Sequence["Scores"]) -> int:
    """Number of pictures that were left out of any of the results."""
    return len(frozenset().union(*(scores.missing for scores in results)))


def print_json(content: dict) -> None:
    """Print plain types, indented."""
    print(json.dumps(content, indent=2, allow_nan=False))


def finish(arguments: argparse.Namespace, results: Sequence["Scores"]) -> None:
    """Say what was peculiar about the masks; end in an error if some of them are broken."""
    strays = max(scores.strays for scores in results)
    if (missing := _missing(results)) and not arguments.quiet:
        note(f"{missing} pictures are left out, whose mask is missing in one of the folders")
    if strays and not arguments.quiet:
        how = "their channels count as 0 or 255" if results[0].classes.saturated else "they count as unknown"
        note(f"{strays} pixels have colours of no class; {how}")
    sys.stdout.flush()
    _raise_broken(results)
