"""axe-core of npm, which finds what keeps people with disabilities from using a page."""

import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

PACKAGE = "axe-core@4.14.1"
ALLOWED = {
    # The label of a thumbnail begins with what is seen, its name; the number below it follows in words.
    "label-content-name-mismatch": {"enabled": False},
}


@cache
def _axe() -> str:
    if shutil.which("npm") is None:
        pytest.skip(f"no npm to fetch {PACKAGE} with")
    with TemporaryDirectory() as folder:
        command = ["npm", "pack", PACKAGE, "--silent", "--ignore-scripts"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"npm cannot fetch {PACKAGE}: {done.stderr[-200:]}")
        with tarfile.open(Path(folder) / done.stdout.strip()) as archive:
            return archive.extractfile("package/axe.min.js").read().decode()


def violations(window: "Page") -> list[str]:
    """What is wrong with a page, a line for each rule and element: contrast, names, headings, roles, and so on."""
    window.evaluate(_axe())
    found = window.evaluate("rules => axe.run({rules})", ALLOWED)["violations"]
    return [f"{rule['id']}: {node['target']}: {node['failureSummary']}" for rule in found for node in rule["nodes"]]
