"""The command `landcover compare`: whether two folders of masks differ by more than chance, outside the pipeline."""

from pathlib import Path

import click

from landcover.cli.command_line import Command
from landcover.cli.option_types import PATH, whole_number
from landcover.cli.options import ScoringOptions, json_option, quiet_option, scoring_options
from landcover.cli.scoring_help import EXIT_CODES, MASKS
from landcover.system.errors import LandcoverError

RESAMPLES = 2000  # as in params.yaml

_EPILOG = f"""\
Both predictions are scored on the same resamples of the images (paired
bootstrap, with percentiles widened for few images), so that easy and hard
images affect both alike. One is better by more than chance if the 95 %
interval of the difference leaves out 0. The interval is extended to 0 unless
swapping the two on random images hardly ever gives as large a difference
(permutation test). Fewer than 6 images give no verdict, and a single one no
interval.

{MASKS}

Examples:
  dvc get . data/predictions --rev EXPERIMENT -o maps/EXPERIMENT
  landcover compare maps/fcn8s maps/fcn32s -g data/dlcv2018/validation
  landcover compare maps/new maps/old -g truth --json | jq .verdict

{EXIT_CODES}
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("a", type=PATH, metavar="PRED_A", help="Folder of predicted masks.")
@click.argument("b", type=PATH, metavar="PRED_B", help="Folder of other masks predicted for the same images.")
@scoring_options
@click.option(
    "--resamples",
    type=whole_number(100),
    default=RESAMPLES,
    metavar="NUMBER",
    help="Number of resamples of the images, at least 100.",
)
@click.option("--seed", type=whole_number(0), default=0, metavar="NUMBER", help="Seed of the resamples.")
@json_option
@quiet_option("Print only the verdict: no figures, no progress, no notes.")
def compare(a: Path, b: Path, options: ScoringOptions, resamples: int, seed: int, as_json: bool) -> None:
    """Tell whether two predictions differ by more than chance."""
    from landcover.cli.mask_scoring import count_missing, finish, raise_broken, score_folders
    from landcover.cli.printing import print_json
    from landcover.cli.text import difference_json, difference_text
    from landcover.scoring.bootstrap import compare_images

    both = score_folders(options, [a, b])
    images_a, images_b = (scores.per_image for scores in both)
    if not images_a.keys() & images_b.keys():
        raise_broken(both)
        raise LandcoverError(f"{b}: no mask in it has the name of one in {a}. Give folders of the same images.")
    difference = compare_images(images_a, images_b, resamples, seed)
    if as_json:
        print_json({**difference_json(difference), "missing": count_missing(both)})
    else:
        if not options.quiet:
            print(difference_text(difference))
        print(difference.verdict)
    finish(both, quiet=options.quiet)
