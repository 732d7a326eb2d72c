"""The viewer of the report in Chromium: what it draws is what the files hold."""

import itertools
import re

import numpy as np
import pytest
from browser import Pages
from report_pages import Arrays, draw, report, save
from viewing import Viewing, colour_at

from landcover.classes.class_table import DEEPGLOBE, UNKNOWN

NAMES = list(DEEPGLOBE.names)
COLOURS = np.array([*DEEPGLOBE.colours.values()])
PLACES = [(x, y) for x in (0.02, 0.21, 0.44, 0.62, 0.79) for y in (0.02, 0.31, 0.69, 0.97)]
PLACES += [(0.98, 0.03), (0.97, 0.31)]  # lower right are the buttons


@pytest.fixture(scope="module")
def drawn() -> dict[str, Arrays]:
    return {"easy": draw(72, 96, 0, wrong=0.1), "hard": draw(96, 64, 1, wrong=0.5)}


@pytest.fixture(scope="module")
def page(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    save(folder, drawn)
    return report(folder)


@pytest.fixture(scope="module")
def windows(browser, page):
    """A window for each image, as opening one takes a second."""
    pages = Pages(browser)
    yield {name: pages.open(page, fragment=name) for name in ("easy", "hard")}
    pages.close()
    assert pages.complaints == []


@pytest.fixture
def viewing(windows):
    """The image in which one block in ten is predicted wrong."""
    return as_opened(windows, "easy")


@pytest.fixture
def viewing_errors(windows):
    """The one in which every second is, so that truth and prediction differ everywhere."""
    return as_opened(windows, "hard")


def as_opened(windows: dict, name: str) -> Viewing:
    """The viewer as it is when an image has just been opened."""
    window = windows[name]
    window.evaluate(f"location.hash = '{name}'")
    window.get_by_role("heading", level=2, name=name).wait_for()
    viewing = Viewing(window)
    viewing.choose(left="image", right="prediction")
    viewing.swipe(0.5)
    window.get_by_label("Colour-blind-safe colours").uncheck()
    window.get_by_label("Opacity").fill("100")
    window.evaluate("document.activeElement.blur()")
    window.keyboard.press("0")
    viewing.settle()
    return viewing


def within(edges: tuple[float, float, float, float], x: float, y: float) -> tuple[float, float]:
    """A place of the image as one of the map."""
    left, upper, right, lower = edges
    return left + x * (right - left), upper + y * (lower - upper)


def label_colour(label: int) -> tuple[int, ...]:
    return (0, 0, 0) if label == UNKNOWN else tuple(int(value) for value in COLOURS[label])


def swatch(viewing: Viewing, entry: str) -> tuple[int, ...]:
    """The colour of an entry of the legend."""
    box = viewing.window.get_by_role("checkbox", name=entry, exact=True)
    text = box.evaluate("box => box.style.getPropertyValue('--swatch')").strip().lstrip("#")
    return tuple(int(text[i : i + 2], 16) for i in (0, 2, 4))


@pytest.mark.parametrize("name", [pytest.param("easy", marks=pytest.mark.long), "hard"])
def test_each_layer_shows_the_pixels_of_its_file(windows, drawn, name):
    viewing = as_opened(windows, name)
    arrays = drawn[name]
    edges = viewing.edges()
    spots = [within(edges, x, y) for x, y in PLACES]
    places = [viewing.place(x, y) for x, y in spots]
    height, width = arrays.truth.shape
    assert np.abs(np.subtract(places, [(int(y * height), int(x * width)) for x, y in PLACES])).max() <= 1
    viewing.swipe(1)
    seen = {}
    for layer in ("image", "truth", "prediction", "confidence", "verdict"):
        viewing.choose(left=layer)
        look = viewing.seen()
        seen[layer] = [colour_at(look, x, y) for x, y in spots]
    right, wrong, unknown = (swatch(viewing, word) for word in ("right", "wrong", "truth unknown"))
    for i, (row, column) in enumerate(places):
        truth, prediction = arrays.truth[row, column], arrays.prediction[row, column]
        assert seen["truth"][i] == label_colour(truth), (row, column)
        assert seen["prediction"][i] == label_colour(prediction), (row, column)
        assert seen["verdict"][i] == (unknown if truth == UNKNOWN else right if truth == prediction else wrong)
        assert seen["image"][i] == tuple(arrays.image[row, column]), (row, column)
    sureness = [arrays.confidence[place] for place in places]
    brightness = np.array(seen["confidence"]) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(brightness[np.argsort(sureness, kind="stable")]) >= -1).all()


@pytest.mark.long
def test_the_outermost_pixels_are_those_of_the_edges(viewing, drawn):
    left, upper, right, lower = viewing.edges()
    across, down = (1.5 / side for side in viewing.box()[2:])  # on the screen, from the edge into the image
    truth = drawn["easy"].truth
    height, width = truth.shape
    corners = {
        (0, 0): (left + across, upper + down),
        (0, width - 1): (right - across, upper + down),
        (height - 1, 0): (left + across, lower - down),
    }
    viewing.choose(left="truth", right="truth")
    seen = viewing.seen()
    for place, spot in corners.items():
        assert viewing.place(*spot) == place
        assert colour_at(seen, *spot) == label_colour(truth[place])
    assert viewing.place(left - 2 * across, upper + down) is None


def test_the_line_tells_class_truth_probability_and_place(viewing, drawn):
    arrays = drawn["easy"]
    edges = viewing.edges()
    for x, y in PLACES[::3]:
        line = viewing.point(*within(edges, x, y))
        row, column = (int(number) for number in re.findall(r"\d+", line)[-2:])
        assert abs(row - y * 72) <= 1.5
        assert abs(column - x * 96) <= 1.5
        truth, prediction = (labels[row, column] for labels in (arrays.truth, arrays.prediction))
        assert line == " · ".join(
            [
                NAMES[prediction],
                f"truth: {'unknown' if truth == UNKNOWN else NAMES[truth]}",
                f"{arrays.confidence[row, column] / 255:.2f}",
                f"row {row}, column {column}",
            ]
        )


def check_sides(viewing: Viewing, at: float) -> None:
    """Left of the handle the map is the left layer, right of it the right one, up to the line itself."""
    viewing.choose(left="truth", right="prediction")
    both = viewing.seen()
    alone = {}
    for layer in ("truth", "prediction"):
        viewing.choose(left=layer, right=layer)
        alone[layer] = viewing.seen()
    viewing.choose(left="truth", right="prediction")
    height, width = both.shape[:2]
    column = round(at * width)
    line, rows = 3, np.s_[: height // 3]  # half the width of the line; above the knob
    assert np.array_equal(both[rows, : column - line], alone["truth"][rows, : column - line])
    assert np.array_equal(both[rows, column + line :], alone["prediction"][rows, column + line :])
    assert not np.array_equal(alone["truth"][rows, : column - line], alone["prediction"][rows, : column - line])
    assert not np.array_equal(alone["truth"][rows, column + line :], alone["prediction"][rows, column + line :])


def test_the_mouse_swipes(viewing_errors):
    check_sides(viewing_errors, 0.5)
    left, top, width, height = viewing_errors.box()
    mouse = viewing_errors.window.mouse
    mouse.move(left + width / 2, top + height / 2)
    mouse.down()
    mouse.move(left + 0.4 * width, top + height / 2)
    mouse.move(left + 0.25 * width, top + height / 2)
    mouse.up()
    mouse.move(left + 0.8 * width, top + height / 2)  # released: the handle stays
    assert viewing_errors.swept() == 25
    check_sides(viewing_errors, 0.25)


def test_the_keyboard_swipes(viewing_errors):
    viewing_errors.handle.focus()
    steps = [("ArrowRight", 52), ("ArrowLeft", 50), ("Shift+ArrowRight", 60), ("ArrowDown", 58), ("ArrowUp", 60)]
    for key, share in [*steps, ("End", 100), ("Home", 0), ("ArrowLeft", 0), ("Shift+ArrowRight", 10)]:
        viewing_errors.window.keyboard.press(key)
        assert viewing_errors.swept() == share
    viewing_errors.window.keyboard.press("Shift+ArrowRight")
    viewing_errors.window.keyboard.press("Shift+ArrowRight")
    check_sides(viewing_errors, 0.3)


def test_a_finger_swipes(pages, page):
    window = pages.open(page, size=(360, 740), touch=True, fragment="hard")
    viewing = Viewing(window)
    viewing.map.scroll_into_view_if_needed()
    left, top, width, height = viewing.box()
    touch = window.context.new_cdp_session(window)
    for kind, x in [("touchStart", 0.5), ("touchMove", 0.6), ("touchMove", 0.7), ("touchMove", 0.75), ("touchEnd", 0)]:
        points = [] if kind == "touchEnd" else [{"x": left + x * width, "y": top + height / 2}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert viewing.swept() == 75
    check_sides(viewing, 0.75)


def test_a_class_that_is_turned_off_shows_the_image(viewing, drawn):
    arrays = drawn["easy"]
    edges = viewing.edges()
    viewing.swipe(1)
    viewing.choose(left="image")
    image = viewing.seen()
    viewing.choose(left="prediction")
    viewing.window.get_by_role("checkbox", name="forest").uncheck()
    viewing.settle()
    seen = viewing.seen()
    forest = NAMES.index("forest")
    found = set()
    for x, y in itertools.product(np.arange(0.04, 0.8, 1 / 12), np.arange(0.05, 1, 1 / 9)):
        label = arrays.prediction[int(y * 72), int(x * 96)]
        spot = within(edges, x, y)
        expected = colour_at(image, *spot) if label == forest else label_colour(label)
        assert colour_at(seen, *spot) == expected, (x, y)
        found.add(label == forest)
    assert found == {True, False}
    viewing.window.get_by_role("checkbox", name="forest").check()
    viewing.settle()
    viewing.choose(left="prediction")
    assert len({tuple(colour) for colour in viewing.seen().reshape(-1, 3)} & set(map(label_colour, range(6)))) == 6


@pytest.mark.long
def test_opacity_mixes_labels_and_image(viewing, drawn):
    edges = viewing.edges()
    viewing.swipe(1)
    viewing.choose(left="image")
    image = viewing.seen()
    viewing.choose(left="truth")
    viewing.window.get_by_label("Opacity").fill("50")
    viewing.settle()
    seen = viewing.seen()
    for x, y in PLACES[::5]:
        spot = within(edges, x, y)
        labels = label_colour(drawn["easy"].truth[int(y * 72), int(x * 96)])
        expected = (np.array(labels) + colour_at(image, *spot)) / 2
        assert np.abs(colour_at(seen, *spot) - expected).max() <= 2


@pytest.mark.long
def test_colours_for_colour_blind_readers_replace_those_of_the_masks(viewing, drawn):
    edges = viewing.edges()
    viewing.swipe(1)
    viewing.choose(left="truth")
    viewing.window.get_by_label("Colour-blind-safe colours").check()
    viewing.settle()
    safe = [swatch(viewing, name) for name in NAMES]
    assert len(set(safe)) == 6
    assert not set(safe) & set(map(label_colour, range(6))) - {(255, 255, 255)}
    seen = viewing.seen()
    for x, y in PLACES:
        label = drawn["easy"].truth[int(y * 72), int(x * 96)]
        if label != UNKNOWN:
            assert colour_at(seen, *within(edges, x, y)) == safe[label]


@pytest.mark.long
def test_zoom_and_pan_move_both_sides_together(viewing, drawn):
    viewing.choose(left="truth", right="prediction")
    viewing.window.get_by_role("button", name="Zoom in").click()
    viewing.settle()
    left, top, width, height = viewing.box()
    mouse = viewing.window.mouse
    mouse.move(left + 0.7 * width, top + 0.8 * height)
    mouse.down()
    mouse.move(left + 0.6 * width, top + 0.7 * height, steps=4)
    mouse.move(left + 0.55 * width, top + 0.6 * height, steps=4)
    mouse.up()
    viewing.settle()
    places = {(x, y): viewing.place(x, y) for x in (0.15, 0.35, 0.65, 0.85) for y in (0.2, 0.4)}
    seen = viewing.seen()
    for (x, y), place in places.items():
        labels = drawn["easy"].truth if x < 0.5 else drawn["easy"].prediction
        assert colour_at(seen, x, y) == label_colour(labels[place])
    viewing.window.keyboard.press("0")
    viewing.settle()
    assert viewing.place(0.001, 0.001) is None


def test_keys_choose_the_layers(viewing):
    keyboard = viewing.window.keyboard
    assert viewing.chosen() == ["image", "prediction"]
    assert viewing.layers() == ["image", "truth", "prediction", "verdict", "confidence"]
    keyboard.press("4")
    keyboard.press("Shift+Digit2")
    assert viewing.chosen() == ["truth", "verdict"]
    keyboard.press("7")  # there are five
    assert viewing.chosen() == ["truth", "verdict"]


def test_layers_and_handle_stay_as_they_are_from_image_to_image(viewing):
    viewing.choose(left="truth", right="verdict")
    viewing.swipe(0.3)
    viewing.window.get_by_role("link", name="hard").click()
    viewing.settle()
    assert (viewing.chosen(), viewing.swept()) == (["truth", "verdict"], 30)
