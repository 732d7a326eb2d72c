"""The command `landcover evaluate`: scores of a folder of masks, outside the pipeline."""

from pathlib import Path

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH
from landcover.cli.options import ScoringOptions, json_option, quiet_option, scoring_options
from landcover.cli.scoring_help import EXIT_CODES, MASKS

_EPILOG = f"""\
{MASKS}

Examples:
  landcover evaluate -g data/dlcv2018/validation -p data/predictions
  landcover evaluate -g truth -p maps --classes models/model.safetensors
  landcover evaluate -g truth -p maps --json | jq .mean_iou

{EXIT_CODES}
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.option(
    "-p", "--pred", "predictions", type=PATH, required=True, metavar="FOLDER", help="Folder of the predicted masks."
)
@scoring_options
@json_option
@quiet_option("Print only the lines of the course's scorer: no table, no progress, no notes.")
def evaluate(predictions: Path, options: ScoringOptions, as_json: bool) -> None:
    """Score colour masks against the truth by the rules of the course."""
    from landcover.cli.mask_scoring import finish, score_folders
    from landcover.cli.printing import print_json
    from landcover.cli.text import course_lines, score_json, score_table

    (scores,) = score_folders(options, [predictions])
    if as_json:
        print_json(score_json(scores))
    else:
        print(course_lines(scores))
        if not options.quiet:
            print(score_table(scores))
    finish([scores], quiet=options.quiet)
