"""Write the page of the report: choose images, encode them one by one, and put all into one HTML file."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

from landcover.classes.colours import hex_colour
from landcover.report.content import Entry, Labelled, Report
from landcover.report.page import VIEWER_SCRIPTS, VIEWER_STYLES, build_page, json_block, json_text
from landcover.report.palettes import UNKNOWN_COLOUR, safe_colours
from landcover.report.pixels import COMPACT, EXACT, Encoding, pixel_block, reduced, size_block
from landcover.report.score_blocks import image_block
from landcover.report.selection import Ranking
from landcover.scoring.confusion import number
from landcover.scoring.scores import mean_iou
from landcover.system.errors import LandcoverError, Problems, printable
from landcover.system.files import replacing
from landcover.system.parallel import error_as_result, parallel_map
from landcover.system.progress_bar import progress_bar

MEGABYTE = 10**6
DEFAULT_MEGABYTES = 15

_STYLES = (*VIEWER_STYLES, "style.css")
_SCRIPTS = (
    *VIEWER_SCRIPTS,
    *("pixels.js", "parts.js", "words.js", "theme.js", "orders.js", "thumbnails.js", "strip.js", "charts.js"),
    *("calibration.js", "class_table.js", "comparison.js", "confusion.js", "numbers.js", "report.js"),
)
_SPARE = 300  # bytes for the sentence on what is shown

_Encoded = tuple[dict[str, Any], dict[str, Any]]  # an item of the block `report`, and the block of its pixels


@dataclass(frozen=True)
class Shown:
    """What a page shows.

    Attributes:
        images, total: How many images are shown, and how many there are, both without overviews.
        text: Which, in a sentence; empty if all are shown.
        size: Of the file in bytes.
    """

    images: int
    total: int
    text: str
    size: int


def write_report(
    path: Path | str,
    report: Report,
    entries: Sequence[Entry],
    load: Callable[[str], Labelled],
    limit: int = DEFAULT_MEGABYTES * MEGABYTE,
    *,
    seed: int = 0,
    quiet: bool = False,
) -> Shown:
    """Write a page that shows all images or, if they do not fit into it, some of them.

    Then these are the worst, the median and the best by mean IoU (without truth by confidence, if there is any), and a
    random sample. Images are exact if all fit so, else all are compressed. The same arguments give the same bytes.

    Args:
        path: Of the HTML file; its folder is made.
        report: What the page says beside the images.
        entries: The images, at least one, in the order in which the page lists them.
        load: Reads the image of a name, of any size. It is called in several threads, at most twice for each image
            and hardly for more images than are shown.
        limit: Most bytes of the file.
        seed: Of the random sample.
        quiet: Show no progress bar, which only terminals show anyway.

    Raises:
        LandcoverError: A line for each image that `load` refuses; not even one image fits into the limit; the file
            cannot be written.
    """
    path = Path(path)
    overviews = [index for index, entry in enumerate(entries) if entry.is_overview]
    others = [index for index, entry in enumerate(entries) if not entry.is_overview]
    ranking = _rank([entries[index] for index in others])
    names = unique_names([entry.name for entry in entries])

    def encode(index: int, encoding: Encoding) -> _Encoded:
        entry = entries[index]
        shown = reduced(load(entry.name))
        scores = {"scores": image_block(entry.confusion), "other_scores": image_block(entry.other)}
        known = {"id": str(index), "name": names[index], "confidence": entry.confidence}
        return {**known, **size_block(shown), **scores}, pixel_block(shown, encoding)

    empty = len(_build(report, _selection(0, len(others), ""), {}))
    order = [*overviews, *(others[place] for place in ranking.priorities(seed))]
    room, chosen = limit - empty - _SPARE, dict[int, _Encoded]()
    for encoding in (EXACT, COMPACT):
        if len(chosen) < len(order):
            chosen = _fitting(order, error_as_result(partial(encode, encoding=encoding)), room, quiet)
    if not chosen:
        raise LandcoverError(
            f"{path}: no image fits into {limit / MEGABYTE:g} MB: without any, the page takes {empty / MEGABYTE:.1f}. "
            "Raise the limit (--megabytes; in the pipeline: report.megabytes)."
        )
    shown = [place for place, index in enumerate(others) if index in chosen]
    text = ranking.describe(shown, report.items)
    page = _build(report, _selection(len(shown), len(others), text), chosen)
    with replacing(path) as scratch:
        scratch.write_bytes(page)
    return Shown(len(shown), len(others), text, len(page))


def unique_names(names: Sequence[str]) -> list[str]:
    """Names as the page shows them: printable, and no two equal."""
    found: dict[str, None] = {}  # a set in order
    for name in map(printable, names):
        numbered = (f"{name} ({number})" for number in count(2))
        found[next(one for one in chain([name], numbered) if one not in found)] = None
    return list(found)


def _rank(entries: Sequence[Entry]) -> Ranking:
    if any(entry.confusion is not None for entry in entries):
        scores = [None if entry.confusion is None else number(float(mean_iou(entry.confusion))) for entry in entries]
        return Ranking.of(scores, "mean IoU", "worst", "best")
    return Ranking.of([entry.confidence for entry in entries], "mean confidence", "least sure", "surest")


def _fitting(
    order: Sequence[int], encode: Callable[[int], _Encoded | LandcoverError], room: int, quiet: bool
) -> dict[int, _Encoded]:
    """Encode images in an order as long as they fit into so many bytes; return them by index, sorted.

    Raises:
        LandcoverError: Some cannot be encoded; a line for each until the room is full.
    """
    chosen: dict[int, _Encoded] = {}
    problems = Problems()
    with closing(parallel_map(encode, order)) as results:
        bar = progress_bar("report", len(order), "images", zip(order, results, strict=True), quiet=quiet)
        for index, result in bar:
            for item, block in problems.successes([result], keep_going=True):
                room -= len(json_text(item)) + len(json_block(_block_name(index), block)) + 2  # comma, line break
                if room >= 0:
                    chosen[index] = item, block
            if room < 0:
                break
    problems.raise_any()
    return dict(sorted(chosen.items()))


def _build(report: Report, selection: Mapping[str, Any], chosen: Mapping[int, _Encoded]) -> bytes:
    classes, safe = report.classes, [hex_colour(colour) for colour in safe_colours(report.classes.names)]
    colours = [hex_colour(colour) for colour in classes.colours.values()]
    title = printable(report.title)
    content = {
        "title": title,
        "classes": [
            {"name": name, "colour": colour, "safe": other}
            for name, colour, other in zip(classes.names, colours, safe, strict=True)
        ],
        "ignore": {
            "name": classes.ignore_name,
            "colour": hex_colour(classes.ignore[1] if classes.ignore else UNKNOWN_COLOUR),
            "safe": hex_colour(UNKNOWN_COLOUR),
        },
        "labels": {"prediction": printable(report.prediction), "other": printable(report.other)},
        "selection": selection,
        "scores": report.scores,
        "other_scores": report.other_scores,
        "comparison": report.comparison,
        "calibration": report.calibration,
        "training": report.training,
        "about": report.about,
        "items": [item for item, _ in chosen.values()],
    }
    blocks = {_block_name(index): block for index, (_, block) in chosen.items()}
    page = build_page("report.html", _STYLES, _SCRIPTS, title, {"report": content, **blocks})
    return page.encode()


def _selection(shown: int, total: int, text: str) -> dict[str, Any]:
    return {"shown": shown, "total": total, "text": text}


def _block_name(index: int) -> str:
    return f"pixels-{index}"
