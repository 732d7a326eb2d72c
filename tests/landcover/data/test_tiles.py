import json
from dataclasses import replace

import pytest

from landcover.data.tiles import Dataset, read_dataset, write_dataset
from landcover.images.image_spec import RGB, ImageSpec
from landcover.system.errors import LandcoverError

MANY = ImageSpec(("red", "nir"), "uint16", (3000.0, 2.5), (1.0, 0.25), (5.0, 0.0), (6.0, 0.0))

BLOCKS = {"layout": "scenes", "split": "block", "holdout": 5, "block": 1000.0, "buffer": 0.0}


def test_the_description_of_a_data_set_reads_back(classes, tmp_path):
    for resolution in (None, 0.5):
        counts = {"train": 20, "validation": 4}
        dataset = Dataset(classes, 1 / 3, "data/mine", BLOCKS, counts, resolution, MANY, "dataset")
        write_dataset(tmp_path, dataset)
        assert read_dataset(tmp_path) == dataset


def test_networks_normalise_by_imagenet_or_by_the_training_tiles(classes):
    measured = replace(RGB, mean=(0.1, 0.2, 0.3), low=(1, 2, 3), high=(4, 5, 6))
    for normalisation, mean in (("imagenet", RGB.mean), ("dataset", (0.1, 0.2, 0.3))):
        dataset = Dataset(classes, 1.0, "data/mine", BLOCKS, {}, measured=measured, normalisation=normalisation)
        assert (dataset.spec.mean, dataset.spec.low) == (mean, (1, 2, 3))


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 2},
        {"resolution": -1},
        {"resolution": "near"},
        {"root": 3},
        {"split": 3},
        {"split": {"holdout": None}},
        {"images": 7},
        {"images": {"train": "many", "validation": 1}},
        {"bands": []},
        {"bands": ["nir", "nir"]},
        {"bands": "nir"},
        {"bands": ["red", "n\nir"]},
        {"dtype": "complex64"},
        {"dtype": ["uint8"]},
        {"mean": [1]},
        {"mean": None},
        {"std": [1, 0]},
        {"std": [1, float("nan")]},
        {"std": [1, 10**400]},
        {"low": None},
        {"low": [10, 10]},
        {"normalisation": "none"},
        {"normalisation": "imagenet"},
    ],
    ids=str,
)
def test_a_description_that_cannot_be_is_refused(classes, tmp_path, change):
    counts = {"train": 20, "validation": 4}
    write_dataset(tmp_path, Dataset(classes, 1.0, "data/mine", BLOCKS, counts, None, MANY, "dataset"))
    assert read_dataset(tmp_path).measured == MANY
    content = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(content | change))
    with pytest.raises(LandcoverError, match=r"dataset\.json: missing or damaged .* python -m stages\.prepare"):
        read_dataset(tmp_path)
