import json
from importlib.resources import files

import numpy as np
import page_data
import pytest
from conftest import TABLE

from landcover.report.content import Entry, Labelled, Report
from landcover.report.report_page import unique_names, write_report
from landcover.scoring.confusion import confusion_matrix
from landcover.system.errors import LandcoverError

COUNT = 12


@pytest.fixture
def images():
    """Arrays by name: noise, of which the first ones are predicted worst."""
    found = {}
    for number in range(COUNT):
        rng = np.random.default_rng(number)
        truth = rng.integers(3, size=(64, 64 + number), dtype=np.uint8)
        noise = rng.integers(3, size=truth.shape, dtype=np.uint8)
        prediction = np.where(rng.random(truth.shape) < 0.9 - number / 20, noise, truth)
        image = rng.integers(256, size=(*truth.shape, 3), dtype=np.uint8)
        found[f"image {number:02d}"] = Labelled(prediction, image, truth)
    return found


def scored(images):
    return [Entry(name, confusion_matrix(one.truth, one.prediction, 3)) for name, one in images.items()]


def names(page):
    return [item["name"] for item in page_data.blocks(page)["report"]["items"]]


def test_a_page_holds_all_images_if_they_fit(images, tmp_path):
    page = tmp_path / "report" / "index.html"
    shown = write_report(page, Report("A title", TABLE), scored(images), images.__getitem__)
    assert (shown.images, shown.total, shown.text, shown.size) == (COUNT, COUNT, "", page.stat().st_size)
    blocks = page_data.blocks(page)
    assert blocks["report"]["selection"] == {"shown": COUNT, "total": COUNT, "text": ""}
    assert names(page) == list(images)
    for name, one in images.items():
        layers = page_data.layers(blocks, name)
        assert (layers["prediction"] == one.prediction).all() and (layers["truth"] == one.truth).all()
        assert (layers["image"] == one.image).all()
    scores = blocks["report"]["items"][0]["scores"]
    right = (images["image 00"].prediction == images["image 00"].truth).mean()
    assert scores["pixel_accuracy"] == pytest.approx(right)
    assert scores["wrong"] == round((1 - right) * 64 * 64) and len(scores["iou"]) == 3


def test_a_page_has_all_scripts_but_those_of_view(images, tmp_path):
    page = tmp_path / "page.html"
    write_report(page, Report("", TABLE), scored(images), images.__getitem__)
    text = page.read_text(encoding="utf-8")
    assets = files("landcover.report") / "assets"
    scripts = {file.name for file in assets.iterdir() if file.name.endswith(".js") and file.read_text() in text}
    assert scripts >= {file.name for file in assets.iterdir() if file.name.endswith(".js")} - {"tiles.js", "view.js"}


def size_without_images(page):
    """Bytes of a page that shows next to nothing."""
    return write_report(page, Report("", TABLE), [Entry("a")], lambda _: Labelled(np.zeros((1, 1), np.uint8))).size


def test_the_same_images_give_the_same_bytes(images, tmp_path):
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, Report("", TABLE), scored(images), images.__getitem__, 1_500_000)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_never_exceeds_its_limit_and_shows_the_worst_if_not_all(images, tmp_path):
    page = tmp_path / "page.html"
    empty = size_without_images(page)
    counts = []
    for limit in range(empty + 20_000, empty + 110_000, 10_000):
        shown = write_report(page, Report("", TABLE), scored(images), images.__getitem__, limit)
        assert page.stat().st_size <= limit
        counts.append(shown.images)
        found = page_data.blocks(page)["report"]
        assert found["selection"]["shown"] == len(found["items"]) == shown.images
        if shown.images < COUNT:
            assert "image 00" in names(page)
            assert shown.text.startswith(f"{shown.images} of {COUNT} images")
    assert counts == sorted(counts) and 1 < counts[0] < COUNT == counts[-1]


def test_no_page_is_written_if_not_even_one_image_fits(images, tmp_path):
    with pytest.raises(LandcoverError, match=r"page.html: no image fits into 0\.5 MB: without any, the page takes 1"):
        write_report(tmp_path / "page.html", Report("", TABLE), scored(images), images.__getitem__, 500_000)
    assert not (tmp_path / "page.html").exists()


def test_images_are_read_only_until_the_page_is_full(images, tmp_path):
    read = []

    def load(name):
        read.append(name)
        return images[sorted(images)[int(name) % COUNT]]

    entries = [Entry(str(number)) for number in range(1000)]
    shown = write_report(tmp_path / "page.html", Report("", TABLE), entries, load, 1_500_000)
    assert 5 < shown.images <= len(set(read)) <= len(read) < 2 * (shown.images + 50)
    assert shown.text.endswith(f"{shown.images} chosen at random.")


def test_without_truth_the_least_sure_images_come_first(images, tmp_path):
    entries = [Entry(name, confidence=number / COUNT) for number, name in enumerate(images)]
    limit = size_without_images(tmp_path / "page.html") + 50_000
    shown = write_report(tmp_path / "page.html", Report("", TABLE), entries, images.__getitem__, limit)
    assert shown.images < COUNT and "by mean confidence" in shown.text and "least sure" in shown.text
    items = page_data.blocks(tmp_path / "page.html")["report"]["items"]
    assert items[0]["scores"] is None and items[0]["confidence"] == 0


def test_every_image_that_cannot_be_read_is_named_and_nothing_is_written(images, tmp_path):
    def load(name):
        if name in ("image 03", "image 07"):
            raise LandcoverError(f"{name}: broken")
        return images[name]

    with pytest.raises(LandcoverError) as error:
        write_report(tmp_path / "page.html", Report("", TABLE), scored(images), load)
    assert sorted(error.value.lines) == ["image 03: broken", "image 07: broken"]
    assert not (tmp_path / "page.html").exists()


def test_names_and_titles_are_data_whatever_they_hold(images, tmp_path):
    nasty = [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "a&amp;\"'`",
        "line\nbreak",
        "\udcff",
        "ähm 🌍",
        "]]>",
    ]
    one = images["image 00"]
    report = Report("</title><script>alert(2)</script>\n\udcfe", TABLE, prediction="<b>\udcff", about=[
        {"heading": "<i>", "rows": [["</script>", "<script>alert(3)</script>"]]}
    ])  # fmt: skip
    page = tmp_path / "page.html"
    write_report(page, report, [Entry(name) for name in nasty], lambda _: one)
    text, blocks = page.read_text(encoding="utf-8"), page_data.blocks(page)
    assert "alert(1)" in text and "<script>alert" not in text
    assert names(page) == [*nasty[:3], r"line\nbreak", r"\udcff", "ähm 🌍", "]]>"]
    assert blocks["report"]["title"] == r"</title><script>alert(2)</script>\n\udcfe"
    assert blocks["report"]["labels"]["prediction"] == r"<b>\udcff"
    assert "&lt;/title&gt;" in text
    assert len(blocks) == len(nasty) + 1
    json.dumps(blocks).encode()


def test_names_that_would_look_alike_stay_unique():
    assert unique_names(["\udcff", r"\udcff", r"\udcff (2)", "b"]) == [r"\udcff", r"\udcff (2)", r"\udcff (2) (2)", "b"]
