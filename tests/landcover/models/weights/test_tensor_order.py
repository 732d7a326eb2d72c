import pytest
import torch

from landcover.models.weights.tensor_order import by_order, fits

OWN = {
    "stem.weight": torch.empty(8, 3, 3, 3),
    "norm.weight": torch.empty(8),
    "norm.bias": torch.empty(8),
    "norm.running_mean": torch.empty(8),
    "norm.num_batches_tracked": torch.tensor(0),
    "blocks.0.gamma": torch.empty(8),
    "blocks.1.weight": torch.empty(8, 8, 1, 1),
    "blocks.2.weight": torch.empty(8, 8, 1, 1),
    "head.weight": torch.empty(5, 8),
}
NEEDED = [name for name in OWN if not name.startswith("head")]


def theirs(**changed):
    found = {
        "conv.weight": torch.empty(8, 3, 3, 3),
        "bn.weight": torch.empty(8),
        "bn.bias": torch.empty(8),
        "bn.running_mean": torch.empty(8),
        "layers.0.layer_scale": torch.empty(8, 1, 1),
        "layers.9.weight": torch.empty(8, 8),
        "layers.10.weight": torch.empty(8, 8),
        "fc.weight": torch.empty(5, 8),
    }
    return {name: tensor for name, tensor in (found | changed).items() if tensor is not None}


def test_tensors_of_the_same_kinds_and_shapes_are_matched_one_by_one():
    names = by_order(theirs(), OWN, NEEDED)
    assert list(names.values()) == [name for name in OWN if "batches" not in name]
    assert names["layers.0.layer_scale"] == "blocks.0.gamma"


def test_the_classifier_may_be_missing_or_have_other_classes():
    assert by_order(theirs(**{"fc.weight": None}), OWN, NEEDED)
    assert by_order(theirs(**{"fc.weight": torch.empty(9, 8)}), OWN, NEEDED)


def test_a_first_layer_may_have_other_bands():
    found = theirs(**{"conv.weight": torch.empty(8, 13, 3, 3)})
    assert by_order(found, OWN, NEEDED, first=["stem.weight"])
    assert by_order(found, OWN, NEEDED) is None


def swapped(found, one, other):
    names = [{one: other, other: one}.get(name, name) for name in found]
    return {name: found[name] for name in names}


@pytest.mark.parametrize(
    "found",
    [
        theirs(**{"bn.bias": None}),
        theirs(**{"bn.bias": torch.empty(9)}),
        theirs(**{"layers.10.weight": None, "fc.weight": None}),
        theirs(**{"fc.weight": torch.empty(5, 9)}),
        theirs(**{"fc.weight": torch.empty(5, 8), "fc.bias": torch.empty(5)}),
        dict(sorted(theirs().items())),
        swapped(theirs(), "bn.weight", "bn.bias"),
        swapped(theirs(), "layers.9.weight", "layers.10.weight"),
        {},
    ],
)
def test_what_is_missing_other_or_in_another_order_is_not_matched(found):
    assert by_order(found, OWN, NEEDED) is None


@pytest.mark.parametrize(
    ("shape", "own", "expected"),
    [
        ((8, 1, 1), (8,), True),
        ((8, 4), (8, 4, 1, 1), True),
        ((8, 18), (8, 2, 3, 3), True),
        ((18, 8), (8, 2, 3, 3), False),
        ((8, 2, 9), (8, 2, 3, 3), False),
        ((4, 8), (8, 4), False),
    ],
)
def test_shapes_differ_by_axes_of_length_one_or_by_a_flattened_kernel(shape, own, expected):
    assert fits(shape, own) is expected
