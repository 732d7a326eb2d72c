"""The scripts of others that lie in the repository are files of their packages on npm, unchanged."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest
from dvc_render.vega import VegaRenderer
from pages import ROOT

VENDOR = ROOT / "src" / "landcover" / "report" / "assets" / "vendor"
OF_VENDOR = json.loads((VENDOR / "vendor.json").read_text())
PLOTS_PAGE = ROOT / ".dvc" / "plots_page.html"
SCRIPT = r'<script data-package="([^"]+)" data-file="([^"]+)" data-integrity="([^"]+)">(.*?)</script>'


class Vendored(NamedTuple):
    """A file of a package, as it lies here."""

    package: str  # name@version
    integrity: str  # of the package's archive
    path: str  # in the package
    content: bytes


def vendored() -> list[Vendored]:
    """Those of the pages of the report and of the map, and those within the page of `dvc plots show`."""
    of_pages = [
        Vendored(f"{name}@{package['version']}", package["integrity"], file["in_package"], (VENDOR / here).read_bytes())
        for name, package in OF_VENDOR.items()
        for here, file in package["files"].items()
    ]
    found = re.findall(SCRIPT, PLOTS_PAGE.read_bytes().decode(), flags=re.DOTALL)
    of_plots = [Vendored(package, integrity, path, text.encode()) for package, path, integrity, text in found]
    assert of_pages
    assert of_plots
    return of_pages + of_plots


def test_the_files_have_the_hashes_that_are_listed():
    listed = {name: file["sha256"] for package in OF_VENDOR.values() for name, file in package["files"].items()}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    del found["vendor.json"]
    assert found == listed


def test_a_licence_lies_beside_them():
    for package in OF_VENDOR.values():
        assert [file for file in package["files"].values() if "LICENSE" in file["in_package"]]


def test_the_page_of_plots_has_the_scripts_that_dvc_asks_for():
    wanted = re.findall(r"npm/([^\"]+)", VegaRenderer.SCRIPTS)
    assert [package for package, *_ in re.findall(SCRIPT, PLOTS_PAGE.read_text(), flags=re.DOTALL)] == wanted


@pytest.mark.long
def test_the_files_are_those_of_the_packages_on_npm(tmp_path: Path):
    if shutil.which("npm") is None:
        pytest.skip("no npm to fetch the packages with")
    archives = {}
    for package, integrity in {(file.package, file.integrity) for file in vendored()}:
        command = ["npm", "pack", package, "--silent", "--ignore-scripts"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"npm cannot fetch {package}: {done.stderr[-200:]}")
        archives[package] = tmp_path / done.stdout.strip()
        digest = hashlib.sha512(archives[package].read_bytes()).digest()
        assert integrity == f"sha512-{base64.b64encode(digest).decode()}", package
    for file in vendored():
        with tarfile.open(archives[file.package]) as archive:
            assert archive.extractfile(f"package/{file.path}").read() == file.content, file.path
