"""Make the figure of the page of the report that README and docs show: make screenshot, after `make repro`.

Needs Chromium. Without it, or on another processor, where the scores may differ, leave the figure as it is.
"""

import io
import json
import sys
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from docs.chromium import NoBrowserError, chromium

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "report" / "index.html"
FIGURE = ROOT / "docs" / "images" / "report.png"
SHOWN = "N30W015"  # Iberia and Morocco
SIZE = (1280, 800)
SWIPE = 0.68
POINT = (0.58, 0.36)  # what the mouse points at, as shares of the map's width and height

NOTE = "mean IoU"  # the text within the figure by which a test knows whether it is of the committed run


def take(page: Path, figure: Path) -> None:
    """Write the figure: the page in light colours, image on the left, prediction on the right."""
    with chromium() as browser:
        context = browser.new_context(
            viewport={"width": SIZE[0], "height": SIZE[1]},
            device_scale_factor=2,
            offline=True,
            color_scheme="light",
            reduced_motion="reduce",
        )
        window = context.new_page()
        window.goto(f"{page.as_uri()}#{SHOWN}")
        for key, times in (("Home", 1), ("ArrowRight", round(SWIPE / 0.02))):
            for _ in range(times):
                window.get_by_role("slider", name="Swipe").press(key)
        box = window.get_by_role("application").bounding_box()
        window.evaluate("document.activeElement.blur()")
        window.mouse.move(box["x"] + POINT[0] * box["width"], box["y"] + POINT[1] * box["height"])
        window.wait_for_timeout(1000)
        shot = window.screenshot()
        scores = json.loads(window.locator("#report").text_content() or "")["scores"]
    colours = Image.open(io.BytesIO(shot)).convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    note = PngInfo()
    note.add_text(NOTE, f"{scores['mean_iou']:.4f}")
    colours.save(figure, optimize=True, pnginfo=note)
    print(f"{figure.relative_to(ROOT)}: {SHOWN}, {figure.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    if not PAGE.exists():
        sys.exit(f"error: {PAGE.relative_to(ROOT)}: not there. Run dvc repro report first.")
    try:
        take(PAGE, FIGURE)
    except NoBrowserError as error:
        sys.exit(f"error: {error}")
