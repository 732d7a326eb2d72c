"""Run the notebook and keep its outputs: python docs/notebook.py, after `make repro`."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("first_map.ipynb")


def executed(folder: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in a folder; without times and versions, so that a second run changes nothing.

    Raises:
        CellExecutionError: A cell failed.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": folder}}
    NotebookClient(notebook, kernel_name="python3", resources=resources, record_timing=False, timeout=300).execute()
    notebook.metadata.language_info = {"name": "python"}
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(NOTEBOOK.parent), NOTEBOOK)
