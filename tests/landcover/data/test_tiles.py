import json

import pytest

from landcover.data.tiles import Dataset, read_dataset, write_dataset
from landcover.system.errors import LandcoverError


def test_the_description_of_a_data_set_reads_back(classes, tmp_path):
    for resolution in (None, 0.5):
        dataset = Dataset(classes, 1 / 3, "data/mine", 5, {"train": 20, "validation": 4}, resolution)
        write_dataset(tmp_path, dataset)
        assert read_dataset(tmp_path) == dataset


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 2},
        {"resolution": -1},
        {"resolution": "near"},
        {"root": 3},
        {"holdout": None},
        {"images": 7},
        {"images": {"train": "many", "validation": 1}},
    ],
    ids=str,
)
def test_a_description_that_cannot_be_is_refused(classes, tmp_path, change):
    write_dataset(tmp_path, Dataset(classes, 1.0, "data/mine", 0, {"train": 20, "validation": 4}))
    content = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(content | change))
    with pytest.raises(LandcoverError, match=r"dataset\.json: missing or damaged .* python -m stages\.prepare"):
        read_dataset(tmp_path)
