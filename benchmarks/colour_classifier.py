"""The peer that a network must beat: a random forest that sees the colour of each pixel and nothing around it.

Run after `dvc repro prepare`:  python -m benchmarks.colour_classifier
Needs scikit-learn (requirements-dev.txt); prints the same scores as the pipeline's, on the same validation tiles.
"""

from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from landcover.classes.class_table import UNKNOWN
from landcover.data.tiles import Tiles, read_dataset
from landcover.scoring.confusion import class_iou, confusion_matrix, known_pairs, mean, pixel_accuracy

PREPARED = Path("data/prepared")
TRAINING_PIXELS, TREES, LEAF = 300_000, 100, 20


def main() -> None:
    """Fit on random training pixels, label all validation pixels, score."""
    classes = read_dataset(PREPARED).classes
    train, validation = (Tiles.open(PREPARED / split, classes) for split in ("train", "validation"))
    colours, labels = known_pixels(train)
    chosen = np.random.default_rng(0).permutation(len(labels))[:TRAINING_PIXELS]
    forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, n_jobs=-1, random_state=0)
    forest.fit(colours[chosen], labels[chosen])
    colours, labels = known_pixels(validation)
    distinct, place = np.unique(colours, axis=0, return_inverse=True)
    confusion = known_pairs(confusion_matrix(labels, forest.predict(distinct)[place.ravel()], len(classes)))
    iou = class_iou(confusion)
    print(f"random forest on RGB: mean IoU {mean(iou):.4f}, pixel accuracy {pixel_accuracy(confusion):.4f}")
    print("  ".join(f"{name} {value:.4f}" for name, value in zip(classes.names, iou, strict=True)))


def known_pixels(tiles: Tiles) -> tuple[np.ndarray, np.ndarray]:
    """Colours, uint8 (P, 3), and labels, uint8 (P,), of all labelled pixels."""
    labels = np.asarray(tiles.labels)
    return np.asarray(tiles.images)[labels != UNKNOWN], labels[labels != UNKNOWN]


if __name__ == "__main__":
    main()
