"""The messages in docs/troubleshooting.md are those of the program, or of the programs that it builds on."""

import ast
from functools import cache

import pytest
from pages import ROOT, spans, tables

OF_OTHERS = {"No module named ...", "'./dvc.lock' validation failed", "Unable to read RWLock-file", "Checkout failed"}
PARTS = {
    "error: params.yaml: ...": ["error: "],
    "note: params.yaml: train.epochs = 4 (committed: 10)": ["note: ", "committed"],
    "of the pixels have colours of no class": ["of the pixels have ", " of no class"],
    "the loss is nan at a learning rate of 0.004": [" at a learning rate of "],
    "the norm of the gradients is inf": ["norm of the gradients"],
    "is for another number of bands, 13 instead of 4": ["is for another number of bands, ", " instead of "],
    "image: ndarray of float64 (64, 48, 3), values 0 to 1": [", values "],
}
"""What the code has of messages that it puts together."""

QUOTED = [span for row in tables("docs/troubleshooting.md") for span in spans(row[0]) if " " in span]


@cache
def texts() -> list[str]:
    """The texts in the code but docstrings, and the fixed parts of those with values."""
    found = []
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "stages").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                found.append(node.value)
    return found


@pytest.mark.parametrize("message", [message for message in QUOTED if message not in OF_OTHERS])
def test_a_message_is_in_the_code(message):
    for part in PARTS.get(message, [message]):
        assert [text for text in texts() if part in text], part
