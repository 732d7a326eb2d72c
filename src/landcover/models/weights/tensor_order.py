"""Tensors of state dicts whose names differ, matched by their order, kinds and shapes."""

from collections.abc import Collection, Mapping
from math import prod

from torch import Tensor

Names = dict[str, str]
"""The name of a tensor in timm's network by its name in a file."""

COUNTER = "num_batches_tracked"
"""Kind of the counters of the batches that a batch norm has seen; old files lack them, and nothing needs them."""

_KINDS = {"layer_scale": "gamma"}  # that torchvision and timm call differently


def by_order(
    found: Mapping[str, Tensor], own: Mapping[str, Tensor], needed: Collection[str], first: Collection[str] = ()
) -> Names | None:
    """Match the tensors of a file with those of a network by their order; None if they are not certainly the same.

    They are if the last parts of the names (weight, bias, running_mean, ...) and the shapes agree one by one, and
    numbers in names only rise, as in state dicts that were never sorted. Batch norm's counters do not count. After the
    last tensor that is needed, tensors may be missing, and a classifier may have another number of classes.

    Args:
        found: In the order of the file, which must be that in which its network lists it.
        own: The state dict of timm's network.
        needed: Names in `own` that must be found.
        first: Names in `own` of first layers, whose number of bands may differ.
    """
    theirs, ours = ([name for name in names if not name.endswith(COUNTER)] for names in (found, own))
    last = max((i for i, name in enumerate(ours) if name in needed), default=-1)
    if not last < len(theirs) <= len(ours) or not _numbers_rise(theirs):
        return None
    names = dict(zip(theirs, ours, strict=False))
    for i, (name, own_name) in enumerate(names.items()):
        shape, own_shape = list(found[name].shape), list(own[own_name].shape)
        if own_name in first:
            shape[1:2], own_shape[1:2] = [], []
        if kind(name) != kind(own_name):
            return None
        if not fits(shape, own_shape) and (i <= last or shape[1:] != own_shape[1:]):
            return None
    return names


def fits(shape: Collection[int], own_shape: Collection[int]) -> bool:
    """Whether a tensor of a file can stand for one of the network.

    Only axes of length 1 may be more or fewer, and VGG's fully connected layers, which are convolutions over the
    whole image in timm, may be matrices.
    """
    if len(shape) == 2 and len(own_shape) == 4:
        (rows, columns), (channels, *kernel) = shape, own_shape
        return rows == channels and columns == prod(kernel)
    return [size for size in shape if size != 1] == [size for size in own_shape if size != 1]


def kind(name: str) -> str:
    """The last part of a name, such as weight."""
    last = name.rpartition(".")[2]
    return _KINDS.get(last, last)


def is_counter(name: str) -> bool:
    """Whether a tensor is one of batch norm's counters."""
    return kind(name) == COUNTER


def _numbers_rise(names: Collection[str]) -> bool:
    """Whether numbered layers come in the order of their numbers."""
    latest: dict[tuple[str, ...], int] = {}
    for name in names:
        parts = tuple(name.split("."))
        for i, part in enumerate(parts):
            if part.isdecimal():
                if int(part) < latest.get(parts[:i], 0):
                    return False
                latest[parts[:i]] = int(part)
    return True
