"""Connected areas of equal labels, as sets of runs: stretches of a row."""

import numpy as np


def runs(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the runs of equal labels in the rows.

    Returns:
        The number of each pixel's run, (H, W); and the labels of the runs.
    """
    begins = np.ones(labels.shape, bool)
    begins[:, 1:] = labels[:, 1:] != labels[:, :-1]
    return np.cumsum(begins, dtype=np.int32).reshape(labels.shape) - 1, labels[begins]


def neighbours(labels: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of nodes of which pixels of one label lie above each other."""
    same = labels[1:] == labels[:-1]
    seen = same[:, 1:] & same[:, :-1] & (nodes[1:, 1:] == nodes[1:, :-1]) & (nodes[:-1, 1:] == nodes[:-1, :-1])
    same[:, 1:] &= ~seen
    return nodes[:-1][same], nodes[1:][same]


def roots(count: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The smallest of the nodes to which each of `count` nodes is connected, directly or through others."""
    root = np.arange(count)
    while len(first):
        low, high = np.minimum(root[first], root[second]), np.maximum(root[first], root[second])
        apart = low != high
        first, second = first[apart], second[apart]
        np.minimum.at(root, high[apart], low[apart])
        while not np.array_equal(root, further := root[root]):
            root = further
    return root
