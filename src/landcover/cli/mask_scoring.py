"""The steps that the commands which score masks share: find the classes, score folders, report what was wrong."""

import sys
from collections.abc import Sequence
from pathlib import Path

from landcover.api.class_search import find_class_table
from landcover.api.scoring import open_large_mask
from landcover.classes.class_files import read_class_table
from landcover.classes.class_table import ClassTable
from landcover.cli.options import ScoringOptions
from landcover.scoring.scores import Scores, score_masks
from landcover.system.errors import LandcoverError, Problems, note


def score_folders(options: ScoringOptions, folders: Sequence[Path]) -> list[Scores]:
    """Score the masks of each folder against the same truth.

    Raises:
        LandcoverError: Masks have no partner, none can be read, or too many pixels of a folder have colours of no
            class; a line for each.
    """
    classes, source = _find_classes(options, folders)
    results, problems = [], Problems()
    for folder in folders:
        with problems.collecting():
            results.append(
                score_masks(
                    options.truth,
                    folder,
                    classes,
                    plain=True,
                    keep_going=True,
                    allow_missing=options.allow_missing,
                    open_large=open_large_mask,
                    quiet=options.quiet,
                )
            )
    problems.raise_any()
    advice = (
        f"Give the file that defines their classes as --classes (used here: {source or 'the preset'}), or raise "
        "--max-off-palette."
    )
    for folder, scores in zip(folders, results, strict=True):
        for place, side in ((options.truth, scores.truth_off_palette), (folder, scores.predicted_off_palette)):
            with problems.collecting():
                side.check(place, options.max_off_palette, advice)
    problems.raise_any()
    return results


def finish(results: Sequence[Scores], *, quiet: bool) -> None:
    """Print notes on images that were left out and on colours of no class.

    Args:
        results: For each folder.
        quiet: Whether to print no notes.

    Raises:
        LandcoverError: Some masks are broken; a line for each.
    """
    off_palette = max(scores.off_palette for scores in results)
    if (missing := count_missing(results)) and not quiet:
        note(f"{missing} images are left out because one of the folders has no mask for them")
    if off_palette and not quiet:
        effect = "their channels are rounded to 0 or 255" if results[0].classes.saturated else "they count as unknown"
        note(f"{off_palette} pixels have colours of no class; {effect}")
    sys.stdout.flush()
    raise_broken(results)


def count_missing(results: Sequence[Scores]) -> int:
    """Number of images that were left out of any of the results."""
    return len(frozenset[str]().union(*(scores.missing for scores in results)))


def raise_broken(results: Sequence[Scores]) -> None:
    """Return if no mask is broken.

    Raises:
        LandcoverError: A line for each broken mask.
    """
    if lines := [line for scores in results for line in scores.broken]:
        raise LandcoverError(*dict.fromkeys(lines))


def _find_classes(options: ScoringOptions, folders: Sequence[Path]) -> tuple[ClassTable, Path | None]:
    """The classes, and the file that defines them; None for the preset."""
    if options.classes:
        return read_class_table(options.classes), options.classes
    classes, source = find_class_table([options.truth, *folders])
    if source and not options.quiet:
        note(f"{source}: classes and colours are taken from this file; --classes names another")
    return classes, source
