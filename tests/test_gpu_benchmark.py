"""benchmarks.gpu, as far as a machine without a GPU can show: all of it runs, and writes down what it found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import draw_pair

from landcover.classes.class_table import DEEPGLOBE

ROOT = Path(__file__).parents[1]


@pytest.mark.long
def test_each_part_finds_a_figure(tmp_path):
    for split in ("train", "validation"):
        for name in ("a", "b"):
            draw_pair(tmp_path / "data" / split, name, 64, 64, seed=ord(name), table=DEEPGLOBE)
    command = [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--data", tmp_path / "data", "--out", tmp_path / "out"]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    figures = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert figures["agreement"] | {"took": 0} == {"images": 2, "same": 1.0, "same_without_tf32": 1.0, "took": 0}
    assert [row["same"] for row in figures["repetition"]] == [True]
    assert all(row["images_per_second"] > 0 for part in ("training", "labelling") for row in figures[part])
    assert {"waiting", "workers"} <= figures["training"][0].keys()
    assert "| fcn1s on tf_efficientnet_lite0 |" in (tmp_path / "out" / "gpu.md").read_text()
