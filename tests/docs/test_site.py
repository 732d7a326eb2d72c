"""The site: it builds without a warning, and reads without a connection."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from pages import ROOT

from docs.hooks import notebook_page, site_path


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_pages_load_nothing_from_other_hosts(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="([^"]+)"|<link[^>]*\shref="([^"]+)"', page.read_text())
        assert not [url for pair in loaded for url in pair if url.startswith(("http", "//"))], page.name


def test_every_image_of_a_page_is_in_the_site(site):
    seen = set()
    for page in site.rglob("*.html"):
        for source in re.findall(r'<img[^>]*\ssrc="([^"]+)"', page.read_text()):
            if not source.startswith("data:"):
                assert (page.parent / source).is_file(), f"{page.name}: {source}"
                seen.add((page.parent / source).resolve().relative_to(site.resolve()).as_posix())
    assert {"earth.png", "plots/samples.png"} <= seen


def test_the_reference_has_the_public_names(site):
    import landcover

    text = (site / "api.html").read_text()
    names = [name for name in landcover.__all__ if not name.startswith("__")]
    assert [name for name in names if f'id="landcover.{name}"' not in text] == []


def test_files_of_docs_lie_at_the_root_of_the_site():
    assert site_path("docs/maps.md") == "maps.md"
    assert site_path("plots/samples.png") == "plots/samples.png"
    assert site_path("docs/first_map.ipynb") == "first_map.md"


def test_a_notebook_is_a_page_with_its_outputs():
    text = nbformat.v4.new_output("execute_result", {"text/plain": "<array>"})
    figure = nbformat.v4.new_output("display_data", {"text/plain": "<Figure>", "image/png": "iVBORw0KGgo=\n"})
    cell = nbformat.v4.new_code_cell("a = 1\na", outputs=[text, figure])
    page = notebook_page(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title"), cell]))
    assert page.startswith("# Title\n\n```python\na = 1\na\n```\n\n<pre><code>&lt;array&gt;</code></pre>")
    assert page.endswith('src="data:image/png;base64,iVBORw0KGgo=">\n')
    assert "&lt;Figure" not in page
