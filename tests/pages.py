"""The pages that users read, and what stands in them."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def tables(page: str) -> list[list[str]]:
    """The rows of all tables of a page, as cells; those that separate headings are among them."""
    lines = (ROOT / page).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def commands(text: str) -> list[list[str]]:
    """The shell commands in the blocks of a page, each as its words."""
    fenced = re.findall(r"^```(?:bash|sh)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks = [*fenced, *re.findall(r"(?:^ {4}.+\n?)+", rest, flags=re.MULTILINE)]
    found = []
    for block in blocks:
        for line in re.sub(r" \\\n\s*", " ", block).splitlines():
            if re.match(r"(landcover|dvc|gto|make|python3?|pip|\./\w+\.sh|torchrun) ", line := line.strip()):
                found.append(shlex.split(line, comments=True))
    return found


def spans(text: str) -> list[str]:
    """The code within the text of a page."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
