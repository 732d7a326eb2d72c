"""The notebook runs as it stands, on a small model and a small image; its outputs are kept."""

import os

import nbformat
import pytest
import torch
import yaml
from conftest import BACKBONE, draw_pair
from pages import ROOT

from docs.notebook import NOTEBOOK, executed
from landcover.classes.class_table import ClassTable
from landcover.models.model_file import Model, save_model
from landcover.models.networks import Architecture, build


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: nbformat.NotebookNode) -> list[str]:
    return [output.output_type for output in cell.outputs]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder in which the model and the image that the notebook names are small ones."""
    data = yaml.safe_load((ROOT / "params.yaml").read_text())["data"]
    classes = ClassTable.from_json(data)
    draw_pair(tmp_path / "data" / "bluemarble" / "validation", "N30W015", 64, 64, table=classes)
    (tmp_path / "models").mkdir()
    (tmp_path / "docs").mkdir()
    torch.manual_seed(0)
    architecture = Architecture("fcn8s", BACKBONE)
    model = Model(build(architecture, len(classes)), classes, 1.0)
    save_model(model, tmp_path / "models" / "model.safetensors")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    return tmp_path


@pytest.mark.long
def test_every_cell_runs_and_gives_the_kinds_of_outputs_that_are_kept(checkout):
    kept = nbformat.read(NOTEBOOK, as_version=4)
    assert list(map(kinds, code_cells(executed(checkout / "docs")))) == list(map(kinds, code_cells(kept)))


def test_the_kept_outputs_are_complete_and_small():
    cells = code_cells(nbformat.read(NOTEBOOK, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert "image/png" in {kind for cell in cells for output in cell.outputs for kind in output.get("data", {})}
    assert NOTEBOOK.stat().st_size < 150_000
