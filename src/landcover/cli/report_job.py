"""The work of the command `landcover report`: from folders to a page."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from landcover.classes.off_palette import OffPalette
from landcover.cli.compare import RESAMPLES
from landcover.cli.inputs import find_inputs
from landcover.cli.mask_scoring import finish, score_folders
from landcover.cli.options import ScoringOptions
from landcover.images.pairs import confidence_path, find_masks, unpaired
from landcover.report.content import Entry, Report
from landcover.report.page_files import PageFiles
from landcover.report.report_page import MEGABYTE, Shown, write_report
from landcover.report.score_blocks import comparison_block, scores_block
from landcover.scoring.bootstrap import compare_images, mean_iou_interval
from landcover.scoring.calibration import Calibration
from landcover.scoring.scores import Scores
from landcover.system.errors import LandcoverError, Problems, note
from landcover.system.locations import paths
from landcover.system.outputs import check_outputs
from landcover.system.parallel import error_as_result, parallel_map
from landcover.system.progress_bar import progress_bar

_SEED = 0  # of resamples, as that of landcover compare by default


@dataclass(frozen=True)
class Folders:
    """The folders of a report; None for what was not given."""

    predictions: Path
    truth: Path | None
    images: Path | None
    against: Path | None


def write_page(folders: Folders, options: ScoringOptions, output: Path, title: str, megabytes: float) -> Shown:
    """Write the page.

    Args:
        folders: Of images and masks.
        options: How masks are scored; `truth` is the one of `folders`, or else what takes its place in `_score`.
        output: Of the page.
        title: Of the page.
        megabytes: Most that it may take.

    Raises:
        LandcoverError: A line for everything that is wrong with the files; nothing is written.
    """
    check_outputs([], files=[output])  # before minutes of work
    problems, results = Problems(), _score(folders, options)
    with problems.collecting():
        finish(results, quiet=options.quiet)
    names = sorted(results[0].per_image)
    files = _find_files(folders, results[0], names, options, problems)
    check_outputs([path for group in _groups(files) for path in group.values()], files=[output])
    checks = parallel_map(error_as_result(files.check), names)
    deque(problems.successes(checks, keep_going=True), maxlen=0)
    problems.raise_any()
    counts = _count_confidence(files, is_scored=folders.truth is not None, quiet=options.quiet)
    report = _report(folders, results, title)
    if folders.truth and len(counts) == len(names):
        report = replace(report, calibration=sum(counts.values(), Calibration()).figures())
    per_image = [scores.per_image if folders.truth else {} for scores in results] + [{}]
    entries = [
        Entry(name, per_image[0].get(name), per_image[1].get(name), counts[name].mean() if name in counts else None)
        for name in names
    ]
    limit = int(megabytes * MEGABYTE)
    return write_report(output, report, entries, files.load, limit, quiet=options.quiet)


def _count_confidence(files: PageFiles, *, is_scored: bool, quiet: bool) -> dict[str, Calibration]:
    """Pixels by confidence of each image: of all that have such a file or, if they are scored, only if all have."""
    names, total = list(files.confidences), len(files.predictions)
    if is_scored and names and len(names) < total:
        if not quiet:
            note(f"no calibration: only {len(names)} of {total} predictions have NAME_confidence beside them")
        return {}
    counts = parallel_map(files.calibrate, names)
    return dict(zip(names, progress_bar("confidence", len(names), "images", counts, quiet=quiet), strict=True))


def _score(folders: Folders, options: ScoringOptions) -> list[Scores]:
    """Count the masks of each prediction.

    Without truth, the other prediction takes its place or, without one, the prediction itself: the same things can be
    wrong with the masks.
    """
    results = score_folders(
        options, [folders.predictions, *([folders.against] if folders.truth and folders.against else [])]
    )
    if options.truth == folders.predictions:
        results = [replace(scores, truth_off_palette=OffPalette()) for scores in results]  # else counted twice
    return results


def _find_files(
    folders: Folders, scores: Scores, names: Sequence[str], options: ScoringOptions, problems: Problems
) -> PageFiles:
    """The files of the images that are scored; `problems` gets a line for each image without masks, or the reverse."""
    truths = find_masks(folders.truth, plain=True) if folders.truth else {}
    others = find_masks(folders.against, plain=True) if folders.against else {}
    predictions, images = find_masks(folders.predictions, plain=True), dict[str, Path]()
    if folders.images:
        with problems.collecting():
            images = _find_images(folders.images)
            lines = unpaired(predictions, images, lambda _: f"image of this name in {folders.images}")
            lines += unpaired(images, predictions, lambda _: f"mask of this name in {folders.predictions}")
            if not options.allow_missing:
                problems.lines += lines
            elif not options.quiet:
                if lacking := [name for name in names if name not in images]:
                    note(f"{len(lacking)} masks are shown without an image because {folders.images} has none for them")
                if further := images.keys() - predictions.keys():
                    note(f"{len(further)} images are left out because {folders.predictions} has no mask for them")

    def chosen(group: Mapping[str, Path]) -> dict[str, Path]:
        return {name: group[name] for name in names if name in group}

    confidences = {name: path for name in names if (path := confidence_path(predictions[name])).exists()}
    images, truths, others = map(chosen, (images, truths, others))
    return PageFiles(scores.classes, chosen(predictions), images, truths, others, confidences)


def _find_images(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise LandcoverError(f"{folder}: no such folder. Name that of the images.")
    found = find_inputs([str(folder)])
    return dict(zip(found, paths(found.values()), strict=True))


def _groups(files: PageFiles) -> list[Mapping[str, Path]]:
    return [files.predictions, files.images, files.truths, files.others, files.confidences]


def _report(folders: Folders, results: Sequence[Scores], title: str) -> Report:
    """What the page says beside the images."""
    report = Report(title, results[0].classes)
    if folders.against:
        a, b = folders.predictions, folders.against
        names = (a, b) if a.resolve().name == b.resolve().name else (a.resolve().name, b.resolve().name)
        report = replace(report, prediction=str(names[0]), other=str(names[1]))
    if folders.truth:
        blocks = [scores_block(scores, mean_iou_interval(scores.per_image, RESAMPLES, _SEED)) for scores in results]
        report = replace(report, scores=blocks[0], other_scores=blocks[1] if len(blocks) > 1 else None)
    if len(results) > 1:
        difference = compare_images(results[0].per_image, results[1].per_image, RESAMPLES, _SEED)
        report = replace(report, comparison=comparison_block(difference))
    return report
