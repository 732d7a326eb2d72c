"""The viewer of a page, used as a reader uses it: through names, keys and pointers; and what is seen on the screen."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from browser import SECONDS, pixels

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Viewing:
    """The viewer of an open page. Places on it are shares of its width and height, (0, 0) the upper left corner."""

    def __init__(self, window: "Page") -> None:
        self.window = window
        self.map = window.get_by_role("application")
        self.handle = window.get_by_role("slider", name="Swipe")
        self.line = window.locator(".lc-hover")
        self.map.wait_for()
        self.settle()

    def choose(self, left: str | None = None, right: str | None = None) -> None:
        """Choose layers by their keys."""
        for side, layer in (("Left", left), ("Right", right)):
            if layer:
                self.window.get_by_label(f"{side} layer").select_option(layer)

    def layers(self) -> list[str]:
        """The keys of the layers there are."""
        return (
            self.window.get_by_label("Right layer")
            .locator("option")
            .evaluate_all("options => options.map(option => option.value)")
        )

    def chosen(self) -> list[str]:
        """The keys of the layers on the left and on the right."""
        return [self.window.get_by_label(f"{side} layer").input_value() for side in ("Left", "Right")]

    def swipe(self, share: float) -> None:
        """Put the handle at a share of the width, by keyboard."""
        self.handle.press("Home")
        for _ in range(int(share * 10)):
            self.handle.press("Shift+ArrowRight")
        for _ in range(round((share * 10 - int(share * 10)) * 5)):
            self.handle.press("ArrowRight")

    def swept(self) -> int:
        """Where the handle says that it is, per cent of the width."""
        return int(self.handle.get_attribute("aria-valuenow"))

    def point(self, x: float, y: float) -> str:
        """Move the mouse to a place; return what the line below the map says."""
        left, top, width, height = self.box()
        self.window.mouse.move(left + x * width, top + y * height)
        return self.line.text_content()

    def place(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of the image there; None beside it."""
        found = re.search(r"row (\d+), column (\d+)", self.point(x, y))
        return (int(found[1]), int(found[2])) if found else None

    def edges(self) -> tuple[float, float, float, float]:
        """Where the image that is shown begins and ends: left, upper, right, lower, by where the line tells of it."""

        def edge(outside: float, place: Callable[[float], tuple[int, int] | None]) -> float:
            inside = 0.5
            while abs(inside - outside) > 1e-3:
                middle = (inside + outside) / 2
                inside, outside = (middle, outside) if place(middle) else (inside, middle)
            return inside

        def across(x: float) -> tuple[int, int] | None:
            return self.place(x, 0.5)

        def down(y: float) -> tuple[int, int] | None:
            return self.place(0.5, y)

        return edge(0, across), edge(0, down), edge(1, across), edge(1, down)

    def box(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the map in the window, CSS pixels."""
        found = self.map.bounding_box()
        return found["x"], found["y"], found["width"], found["height"]

    def seen(self) -> np.ndarray:
        """What the map shows, uint8 RGB (H, W, 3), when nothing moves any more; the mouse is elsewhere."""
        self.window.mouse.move(1, 1)
        return self.settle()

    def settle(self) -> np.ndarray:
        """Wait until two looks at the map, a little apart, are the same; return it."""
        end = time.monotonic() + SECONDS
        before, now = None, pixels(self.map)
        while before is None or not np.array_equal(before, now):
            assert time.monotonic() < end, "the map does not come to rest"
            self.window.wait_for_timeout(80)
            before, now = now, pixels(self.map)
        return now


def colour_at(image: np.ndarray, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place, see `Viewing`."""
    height, width = image.shape[:2]
    return tuple(int(value) for value in image[min(int(y * height), height - 1), min(int(x * width), width - 1)])
