"""The page of the report in Chromium: images found and opened, numbers, any names, any kind of folders."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from accessibility import violations
from conftest import landcover
from report_pages import BLOCK, Arrays, draw, report, save
from viewing import Viewing, colour_at

from landcover.classes.class_table import DEEPGLOBE, ClassTable

SIZES = {"a": (40, 40), "b": (64, 48), "c10": (24, 80), "c9": (48, 64)}
WRONG = {"a": 0.3, "b": 0.6, "c10": 0.1, "c9": 0.45}
HOSTILE = [
    "<img src=x onerror=window.hacked=1>",
    "\"' onmouseover=window.hacked=1 x='",
    "<script>window.hacked=1<\N{DIVISION SLASH}script>",
    "100%25 #1 & more?",
    "Łódź 東京 🌍 e\u0301",
    "javascript:window.hacked=1",
    "lc-map",
    "report",
]
SPELT = {"two\nlines": r"two\nlines", "\u202eevil": r"\u202eevil"}
"""Names with what is not printed, and how they are spelt."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    save(folder, {name: draw(*size, seed, WRONG[name]) for seed, (name, size) in enumerate(SIZES.items())})
    return folder


@pytest.fixture(scope="module")
def page(folder) -> Path:
    return report(folder)


@pytest.fixture(scope="module")
def scores(folder) -> dict:
    """Those of each image, and of all, by the command that scores."""
    found = {}
    for name in (*SIZES, "all"):
        part = folder / "parts" / name
        for masks in ("truth", "predictions"):
            (part / masks).mkdir(parents=True)
            for path in (folder / masks).glob(f"{'*' if name == 'all' else name}_mask.png"):
                (part / masks / path.name).symlink_to(path)
        done = landcover("evaluate", "-g", "truth", "-p", "predictions", "--json", folder=part)
        assert done.returncode == 0, done.stderr
        found[name] = json.loads(done.stdout)
    return found


def thumbnails(window) -> list[str]:
    """The names of the images in the strip, as they stand."""
    links = window.get_by_role("navigation", name="Images").get_by_role("link")
    return [unquote(link.get_attribute("href")[1:]) for link in links.all()]


def shown(window) -> str:
    """The name of the image in the viewer."""
    return window.get_by_role("region", name="Viewer").get_by_role("heading", level=2).text_content()


def wait_for(window, name: str) -> None:
    """Wait until the viewer shows an image."""
    heading = window.get_by_role("region", name="Viewer").get_by_role("heading", level=2, name=name, exact=True)
    heading.wait_for()


def hacked(window) -> bool:
    return window.evaluate("window.hacked !== undefined")


def widest(window) -> int:
    """How many pixels the page is wider than its window."""
    return window.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_the_page_opens_from_disk_with_the_worst_image(pages, page, scores):
    window = pages.open(page)
    viewing = Viewing(window)
    assert window.title() == "predictions"
    assert window.get_by_role("heading", level=1).text_content() == "predictions"
    assert shown(window) == min(SIZES, key=lambda name: scores[name]["mean_iou"])
    assert viewing.layers() == ["image", "truth", "prediction", "verdict", "confidence"]
    assert window.locator("img").evaluate_all("images => images.every(image => image.alt && image.naturalWidth > 0)")


def test_the_strip_is_sorted_by_each_order(pages, page, scores):
    window = pages.open(page)
    order = window.get_by_label("Sort by", exact=True)
    by_iou = sorted(SIZES, key=lambda name: scores[name]["mean_iou"])
    assert thumbnails(window) == by_iou
    order.select_option("name")
    assert thumbnails(window) == ["a", "b", "c9", "c10"]  # numbers as numbers
    order.select_option("wrong")
    wrong = {name: 1 - scores[name]["pixel_accuracy"] for name in SIZES}
    known = {name: int((draw(*SIZES[name], seed, WRONG[name]).truth != 255).sum()) for seed, name in enumerate(SIZES)}
    assert thumbnails(window) == sorted(SIZES, key=lambda name: -wrong[name] * known[name])
    order.select_option("class")
    for name in ("urban", "water", "barren"):
        window.get_by_label("Class to sort by").select_option(label=name)
        iou = {image: scores[image]["iou"][name] for image in SIZES}
        assert thumbnails(window) == sorted(SIZES, key=lambda image: iou[image])
    order.select_option("mean_iou")
    window.get_by_role("button", name="Reverse order").click()
    assert thumbnails(window) == by_iou[::-1]


def test_an_image_has_a_permanent_link(pages, page):
    window = pages.open(page, fragment="c10")
    wait_for(window, "c10")
    window.get_by_role("link", name=re.compile("^a,")).click()
    wait_for(window, "a")
    assert window.url.split("#")[1] == "a"
    window.go_back()
    wait_for(window, "c10")
    window.evaluate("location.hash = 'c9'")
    wait_for(window, "c9")
    window.evaluate("location.hash = 'nowhere'")
    window.get_by_text("No image here is called “nowhere”").wait_for()


def test_the_page_is_used_by_keyboard_alone(pages, page):
    window = pages.open(page)
    Viewing(window)
    keyboard = window.keyboard
    reached = []
    for _ in range(40):
        keyboard.press("Tab")
        reached.append(
            window.evaluate(
                "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim()"
            )
        )
    assert reached[0] == "Skip to the viewer"
    for name in ("Left layer", "Right layer", "Swipe", "Zoom in", "Sort by", "Reverse order"):
        assert name in reached, name
    assert sum(name.startswith(("a,", "b,", "c9,", "c10,")) for name in reached) == 1  # the strip is one stop
    window.get_by_role("link", name=re.compile("^b,")).focus()
    names = thumbnails(window)
    for keys, expected in ((["End", "Enter"], -1), (["["], -2), (["]"], -1)):
        for key in keys:
            keyboard.press(key)
        wait_for(window, names[expected])
    window.get_by_role("slider", name="Swipe").focus()
    keyboard.press("PageUp")
    wait_for(window, names[-2])


def test_the_numbers_are_those_of_the_command_that_scores(pages, page, scores):
    window = pages.open(page)
    region = window.get_by_role("region", name="Scores")
    table = region.get_by_role("table", name="Scores of each class")
    rows = [row.inner_text().split() for row in table.get_by_role("row").all()]
    found = {row[0]: row[1:6] for row in rows if row[0] in DEEPGLOBE.names}
    every = scores["all"]
    for label, name in enumerate(DEEPGLOBE.names):
        expected = [f"{every[key][name]:.3f}" for key in ("iou", "precision", "recall", "f1")]
        assert found[name][:4] == expected, label
    text = " ".join(region.inner_text().split())
    assert f"{every['mean_iou']:.3f}" in text
    assert f"{every['pixel_accuracy']:.3f}" in text


def test_the_confusion_matrix_counts_pixels_and_shares(pages, page, folder):
    window = pages.open(page)
    arrays = [draw(*size, seed, WRONG[name]) for seed, (name, size) in enumerate(SIZES.items())]
    truth = np.concatenate([drawn.truth.ravel() for drawn in arrays])
    prediction = np.concatenate([drawn.prediction.ravel() for drawn in arrays])
    forest, rangeland = (DEEPGLOBE.names.index(name) for name in ("forest", "rangeland"))
    count = int(((truth == forest) & (prediction == rangeland)).sum())
    share = 100 * count / (truth == forest).sum()
    grid = window.get_by_role("grid", name="Confusion matrix")
    cell = grid.get_by_role(
        "gridcell", name=f"forest predicted as rangeland: {count:,} pixels, {share:.1f} % of forest"
    )
    assert cell.text_content().strip() == (f"{share:.1f}" if count else "")
    window.get_by_role("radio", name="pixels").check(force=True)
    assert cell.text_content().strip().replace(",", "") == (f"{count}" if count else "")


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.long), "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(pages, page, scheme):
    window = pages.open(page, size=(360, 740), scheme=scheme, touch=True)
    viewing = Viewing(window)
    assert widest(window) <= 0
    assert viewing.box()[2] > 300
    window.get_by_role("link", name=re.compile("^a,")).tap()
    wait_for(window, "a")


@pytest.mark.long
def test_the_page_is_dark_or_light_as_the_reader_prefers_or_chooses(pages, page):
    def brightness(window) -> float:
        colour = window.evaluate("getComputedStyle(document.body).backgroundColor")
        return np.mean([float(part) for part in re.findall(r"[\d.]+", colour)[:3]])

    light, dark = (pages.open(page, scheme=scheme) for scheme in ("light", "dark"))
    assert brightness(light) > 200
    assert brightness(dark) < 60
    light.get_by_role("radio", name="Dark").check(force=True)
    dark.get_by_role("radio", name="Light").check(force=True)
    assert brightness(light) < 60
    assert brightness(dark) > 200


@pytest.mark.long
def test_the_page_prints(pages, page):
    window = pages.open(page, scheme="dark")
    Viewing(window)
    printed = window.pdf(format="A4")
    assert 1 <= printed.count(b"/Type /Page\n") <= 6
    window.emulate_media(media="print", color_scheme="dark")
    assert window.evaluate("getComputedStyle(document.body).backgroundColor") in (
        "rgb(255, 255, 255)",
        "rgba(0, 0, 0, 0)",
    )
    assert window.get_by_role("button", name="Zoom in").is_hidden()


def test_names_are_shown_and_never_run(pages, tmp_path):
    classes = ClassTable(
        {
            "</script><script>window.hacked=1</script>": (0, 90, 0),
            "<b onclick=hacked=1>": (255, 0, 0),
            "Wüste '\"": (1, 2, 3),
        },
        ignore=("none & <i>nothing</i>", (0, 0, 0)),
    )
    (tmp_path / "classes.json").write_text(json.dumps(classes.to_json()))
    names = [*HOSTILE, *SPELT.values()]
    save(tmp_path, {name: draw(16, 24, 0, 0.4, classes) for name in (*HOSTILE, *SPELT)}, classes)
    title = "<script>window.hacked=1</script>"
    page = report(tmp_path, "-g", "truth", "-i", "images", "--classes", "classes.json", "--title", title)
    window = pages.open(page)
    viewing = Viewing(window)
    assert window.get_by_role("heading", level=1).text_content() == title
    assert sorted(thumbnails(window)) == sorted(names)
    assert window.get_by_role("checkbox", name="</script><script>window.hacked=1</script>").is_visible()
    for name in names:
        links = window.get_by_role("navigation", name="Images").get_by_role("link").all()
        next(link for link in links if unquote(link.get_attribute("href")[1:]) == name).click()
        wait_for(window, name)
        viewing.point(0.4, 0.4)
        viewing.point(0.6, 0.6)
    assert not hacked(window)
    again = pages.open(page, fragment=window.url.split("#")[1])
    wait_for(again, names[-1])
    assert not hacked(again)


@pytest.mark.long
def test_images_of_any_size(pages, tmp_path):
    sizes = {"pixel": (1, 1), "column": (300, 3), "row": (2, 700), "large": (1500, 1100)}
    drawn = {name: draw(*size, seed, 0.3) for seed, (name, size) in enumerate(sizes.items())}
    save(tmp_path, drawn)
    window = pages.open(report(tmp_path), fragment="pixel")
    viewing = Viewing(window)
    viewing.swipe(1)  # the line of the handle would hide the narrow ones
    for name, (height, width) in sizes.items():
        window.evaluate(f"location.hash = '{name}'")
        window.get_by_role("heading", level=2, name=name).wait_for()
        viewing.choose(left="truth", right="truth")
        left, upper, right, lower = viewing.edges()
        seen = viewing.seen()
        for x, y in ((0.1, 0.1), (0.3, 0.9), (0.7, 0.2)):
            x, y = middle_of_block(x, width), middle_of_block(y, height)
            spot = left + x * (right - left), upper + y * (lower - upper)
            row, column = viewing.place(*spot)
            assert abs(row - y * height) <= max(1.5, height / 200), name
            assert abs(column - x * width) <= max(1.5, width / 200), name
            label = drawn[name].truth[row, column]
            assert colour_at(seen, *spot) == (DEEPGLOBE.colours[DEEPGLOBE.names[label]] if label < 6 else (0, 0, 0)), (
                name
            )


def middle_of_block(share: float, size: int) -> float:
    """The middle of the block of one colour at a place along a side, as a share of the side."""
    start = int(share * size) // BLOCK * BLOCK
    return (start + min(BLOCK, size - start) / 2) / size


def test_a_single_class(pages, tmp_path):
    water = DEEPGLOBE.names.index("water")
    for name in ("one", "two"):
        arrays = draw(32, 40, 0, 0)
        all_water = np.full_like(arrays.truth, water)
        save(tmp_path, {name: arrays._replace(truth=all_water, prediction=all_water)})
    window = pages.open(report(tmp_path))
    viewing = Viewing(window)
    assert viewing.point(0.55, 0.4).startswith("water · truth: water")
    row = window.get_by_role("table", name="Scores of each class").get_by_role("row", name=re.compile("^forest"))
    assert row.inner_text().split()[1] == "\N{EN DASH}"
    assert "1.000" in window.get_by_role("region", name="Scores").inner_text()


def test_without_truth_there_are_no_scores(pages, folder, tmp_path):
    window = pages.open(report(folder, "-i", "images"))
    viewing = Viewing(window)
    assert viewing.layers() == ["image", "prediction", "confidence"]
    assert "truth" not in viewing.point(0.55, 0.4)
    assert window.get_by_role("region", name="Scores").count() == 0
    assert window.get_by_text("IoU").count() == 0


@pytest.mark.long
def test_without_images_there_is_truth_and_prediction(pages, folder):
    window = pages.open(report(folder, "-g", "truth"))
    viewing = Viewing(window)
    assert viewing.layers() == ["truth", "prediction", "verdict", "confidence"]
    assert viewing.chosen() == ["truth", "prediction"]
    assert window.get_by_role("navigation", name="Images").get_by_role("img").count() == len(SIZES)


@pytest.mark.long
def test_predictions_alone(pages, folder, tmp_path):
    save(tmp_path, {"only": Arrays(*draw(30, 30, 5, 0.2))})
    (tmp_path / "predictions" / "only_confidence.png").unlink()
    done = landcover("report", "predictions", "-o", "page.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    viewing = Viewing(pages.open(tmp_path / "page.html"))
    assert viewing.layers() == ["prediction"]


@pytest.mark.long
def test_two_predictions_side_by_side(pages, folder):
    arrays = {name: draw(*size, seed, WRONG[name]) for seed, (name, size) in enumerate(SIZES.items())}
    others = {name: draw(*size, seed, WRONG[name] / 2) for seed, (name, size) in enumerate(SIZES.items())}
    save(folder / "second", others)
    window = pages.open(report(folder, "-g", "truth", "-i", "images", "--against", "second/predictions"), fragment="b")
    viewing = Viewing(window)
    assert {"other", "difference"} <= set(viewing.layers())
    done = landcover("compare", "predictions", "second/predictions", "-g", "truth", "--quiet", folder=folder)
    assert " ".join(done.stdout.split()).rstrip(".") in " ".join(window.content().split())
    edges = viewing.edges()
    viewing.swipe(1)
    for layer, labels in (("prediction", arrays["b"].prediction), ("other", others["b"].prediction)):
        viewing.choose(left=layer)
        seen = viewing.seen()
        for x, y in ((0.1, 0.1), (0.4, 0.6), (0.7, 0.3), (0.2, 0.9)):
            spot = edges[0] + x * (edges[2] - edges[0]), edges[1] + y * (edges[3] - edges[1])
            assert colour_at(seen, *spot) == DEEPGLOBE.colours[DEEPGLOBE.names[labels[viewing.place(*spot)]]]


@pytest.mark.long
def test_more_images_than_fit_open_at_once(pages, tmp_path):
    rng = np.random.default_rng(0)
    drawn = {}
    for i in range(257):
        arrays = draw(512, 512, i, rng.random())
        noisy = np.clip(arrays.image + rng.normal(0, 12, arrays.image.shape), 0, 255).astype(np.uint8)
        drawn[f"{i:04d}"] = arrays._replace(image=noisy)
        if len(drawn) == 16:
            save(tmp_path, drawn)
            drawn.clear()
    save(tmp_path, drawn)
    page = report(tmp_path)
    assert page.stat().st_size <= 15_000_000
    window = pages.open(page)
    milliseconds = window.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    viewing = Viewing(window)
    assert 0 < milliseconds < 3000
    assert re.search(r"of 257 images are shown", window.inner_text("body"))
    assert viewing.place(0.5, 0.4)
    assert 10 < len(thumbnails(window)) < 257
    assert widest(window) <= 0


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 900), (360, 740)])
def test_the_page_is_accessible(pages, folder, tmp_path, scheme, size):
    save(tmp_path, {name: draw(*size, seed, 0.5) for seed, (name, size) in enumerate(SIZES.items())})
    page = report(folder, "-g", "truth", "-i", "images", "--against", tmp_path / "predictions")
    window = pages.open(page, size=size, scheme=scheme)
    viewing = Viewing(window)
    assert violations(window) == []
    viewing.choose(left="verdict", right="confidence")
    viewing.point(0.4, 0.4)
    assert violations(window) == []
