"""The page of `dvc plots show` draws its plots without a network."""

import subprocess
import sys

from pages import ROOT


def test_the_plots_are_drawn_offline(pages, tmp_path):
    command = [sys.executable, "-m", "dvc", "plots", "show", "--out", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    window = pages.open(tmp_path / "index.html")
    plots = window.locator(".vega-embed canvas, .vega-embed svg.marks")
    plots.nth(4).wait_for()  # loss, classes, mean IoU, IoU of each class, confusion matrix
    assert window.locator("img").evaluate_all("images => images.map(image => image.naturalWidth > 0)") == [True]
    expected = (f"request: {tmp_path.as_uri()}/static/", "console: warning: ")  # vega warns of its own version
    pages.complaints = [text for text in pages.complaints if not text.startswith(expected)]
