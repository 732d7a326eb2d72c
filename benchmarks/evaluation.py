"""Scoring masks, against nothing but decoding them with Pillow on one thread, divided by the cores.

Below, over the same limit, what no scorer can avoid: decoding with all cores, which share caches and memory; and the
rest, finding labels and counting them. Then against the course's scorer, which must give the same mean IoU; the
counting alone against the confusion matrices of scikit-learn and torchmetrics; and the memory of
`landcover evaluate`, shared libraries included.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.harness import ROOT, Row, in_turns, usage
from benchmarks.images import CLASSES, write_pairs
from benchmarks.preparation import decode, for_each
from landcover.images.image_files import read_packed
from landcover.images.pairs import find_masks
from landcover.scoring.confusion import confusion_matrix
from landcover.scoring.mask_labels import read_labels
from landcover.scoring.scores import score_masks

COUNT = 200
LIMIT = 400  # MB


def measure(scratch: Path) -> Iterator[Row]:
    """Rows for time and for memory."""
    import torch
    from sklearn.metrics import confusion_matrix as sklearn_matrix
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    truth, predictions = scratch / "truth", scratch / "predictions"
    write_pairs(truth, COUNT)
    write_pairs(predictions, COUNT, seed=1)

    def decoding(workers: int | None = 1) -> None:
        decode(truth, "_mask", workers)
        decode(predictions, "_mask", workers)

    decoded = [[read_packed(path) for path in find_masks(folder).values()] for folder in (truth, predictions)]

    def counting() -> None:
        for_each(_count, zip(*decoded, strict=True))

    def scoring() -> float:
        return score_masks(truth, predictions, CLASSES).figures()["mean_iou"]

    tasks = {
        f"{COUNT} pairs of masks of 512x512, decoding": scoring,
        "of that, decoding with all cores": lambda: decoding(workers=None),
        "of that, labels and counts": counting,
        "decoding": decoding,
    }
    *times, single = in_turns(tasks).values()
    limit = single.median / (os.cpu_count() or 1)
    for case, time, target in zip(tasks, times, ("<= 1.2", "", ""), strict=False):
        yield Row(case, str(time), str(single), time.median / limit, target)
    times = in_turns({"ours": scoring, "course": lambda: course_scorer(truth, predictions)}, rounds=3)
    if abs(scoring() - course_scorer(truth, predictions)) > 1e-12:
        raise AssertionError("ours and the course's way come to different scores")
    ratio = times["course"].median / times["ours"].median
    yield Row(f"{COUNT} pairs of masks, the course's way", str(times["ours"]), str(times["course"]), ratio, ">= 5")
    labels, answers = (
        np.stack([read_labels(path, CLASSES)[0] for path in list(find_masks(folder).values())[:20]])
        for folder in (truth, predictions)
    )
    size = len(CLASSES) + 1
    theirs = [np.minimum(each, len(CLASSES)) for each in (labels, answers)]
    tensors = [torch.from_numpy(each).long() for each in reversed(theirs)]
    times = in_turns(
        {
            "ours": lambda: confusion_matrix(labels, answers, len(CLASSES)),
            "scikit-learn": lambda: sklearn_matrix(*(each.ravel() for each in theirs), labels=range(size)),
            "torchmetrics": lambda: multiclass_confusion_matrix(*tensors, size),
        }
    )
    for peer in ("scikit-learn", "torchmetrics"):
        ratio = times[peer].median / times["ours"].median
        yield Row(f"counting 20 pairs, {peer}", str(times["ours"]), str(times[peer]), ratio, ">= 5")
    few, many = (_peak(_part(truth, count), _part(predictions, count)) for count in (COUNT // 4, COUNT))
    yield Row(f"memory, {COUNT} pairs against the limit", f"{many:.0f} MB", f"{LIMIT} MB", many / LIMIT, "<= 1")
    yield Row(f"memory, {COUNT} pairs against {COUNT // 4}", f"{many:.0f} MB", f"{few:.0f} MB", many / few, "<= 1.1")


def course_scorer(truth: Path, predictions: Path) -> float:
    """Mean IoU as the course's scorer computes it: all masks in memory as float64, then class after class."""
    truths, answers = (_all_labels(folder) for folder in (truth, predictions))
    ious = []
    for label in range(len(CLASSES)):
        hits = np.sum((answers == label) * (truths == label))
        ious.append(hits / (np.sum(answers == label) + np.sum(truths == label) - hits))
    return float(np.mean(ious))


def _all_labels(folder: Path) -> np.ndarray:
    paths = sorted(folder.glob("*_mask.png"))
    labels = np.full((len(paths), 512, 512), float(len(CLASSES)))
    for i, path in enumerate(paths):
        mask = (np.asarray(Image.open(path).convert("RGB")) >= 128).astype(int)
        codes = 4 * mask[..., 0] + 2 * mask[..., 1] + mask[..., 2]
        for label, (red, green, blue) in enumerate(CLASSES.colours.values()):
            labels[i, codes == (4 * red + 2 * green + blue) // 255] = label
    return labels


def _part(folder: Path, count: int) -> Path:
    """A folder of links to the first masks of a folder."""
    part = folder.with_name(f"{folder.name}-{count}")
    part.mkdir()
    for path in list(find_masks(folder).values())[:count]:
        (part / path.name).symlink_to(path)
    return part


def _peak(truth: Path, predictions: Path) -> float:
    """MB that the command takes to score a folder."""
    command = [sys.executable, "-m", "landcover", "evaluate", "-g", str(truth), "-p", str(predictions)]
    return usage(command, ROOT / "src")["megabytes"]


def _count(pair: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    labels, answers = (CLASSES.decode(mask)[0] for mask in pair)
    return confusion_matrix(labels, answers, len(CLASSES))
