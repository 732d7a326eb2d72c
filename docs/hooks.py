"""Hooks of mkdocs: the site shows files that lie outside docs/, and notebooks; links stay those of a git host.

Pages link to files by their place in the repository, such as `../plots/samples.png`. Here each link becomes one within
the site: files of docs/ lie at its root, all others under their path in the repository.
"""

import base64
import html
import posixpath
import re
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = (
    *("CHANGELOG.md", "CONTRIBUTING.md"),
    *("benchmarks/country.md", "benchmarks/encoders.md", "benchmarks/gpu.md", "benchmarks/results.md"),
)
"""Pages of the site that lie outside docs/."""

_LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]+)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/, and make a page of each notebook."""
    for path in PAGES:
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            files.remove(file)
            notebook = nbformat.read(file.abs_src_path, as_version=4)
            files.append(File.generated(config, site_path(f"docs/{file.src_uri}"), content=notebook_page(notebook)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between places in the repository into links within the site, and add the files they lead to.

    Raises:
        PluginError: A link leads to nothing.
    """
    outside = page.file.src_uri in PAGES
    folder = posixpath.dirname(page.file.src_uri if outside else f"docs/{page.file.src_uri}")

    def link(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        if not (ROOT / path).is_file():
            raise PluginError(f"{page.file.src_uri}: links to {match[1]}, which does not exist")
        target = site_path(path)
        if files.get_file_from_path(target) is None:
            files.append(File.generated(config, target, abs_src_path=str(ROOT / path)))
        return posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".")

    return _LINK.sub(link, markdown)


def site_path(path: str) -> str:
    """Where the site has a file of the repository, both as paths from the root."""
    return re.sub(r"\.ipynb$", ".md", path.removeprefix("docs/"))


def notebook_page(notebook: Any) -> str:
    """A notebook with its outputs as Markdown."""
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.cell_type == "code":
            parts += [f"```python\n{cell.source}\n```", *map(_output, cell.outputs)]
    return "\n\n".join(parts) + "\n"


def _output(output: Any) -> str:
    """An image, or else text."""
    data = output.get("data", {})
    if "image/png" in data:
        encoded = base64.b64encode(base64.b64decode(data["image/png"])).decode()  # on one line
        return f'<img alt="Output of the cell" src="data:image/png;base64,{encoded}">'
    return f"<pre><code>{html.escape(output.get('text') or data.get('text/plain', ''))}</code></pre>"
