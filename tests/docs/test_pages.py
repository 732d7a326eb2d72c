"""README and docs say what is so: figures, parameters, results and links."""

import json
import re

import pytest
import yaml
from pages import PAGES, ROOT, spans, tables
from PIL import Image

from docs.page_screenshots import FIGURE, NOTE
from landcover.cli.network_table import list_networks
from results.table import read_published, read_rows, results_text, with_results

README = (ROOT / "README.md").read_text()


def committed_scores() -> dict:
    return json.loads((ROOT / "metrics" / "evaluate.json").read_text())


def test_the_readme_fits_on_a_few_screens():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_the_scores_are_those_of_the_committed_run(page):
    scores = committed_scores()
    measured = [scores["mean_iou"], scores["pixel_accuracy"], *scores["iou"].values()]
    ours = next(row for row in tables(page) if row[0].startswith("**fcn1s"))
    assert ours[1:] == [f"{value:.3f}" for value in measured]
    text = " ".join((ROOT / page).read_text().split())
    assert f"between {scores['mean_iou_low']:.3f} and {scores['mean_iou_high']:.3f} (95 % interval" in text


def test_the_output_of_the_first_run_is_that_of_the_committed_run():
    scores = committed_scores()
    assert f"mean IoU {scores['mean_iou']}, pixel accuracy {scores['pixel_accuracy']}" in README
    assert f"mean IoU **{scores['mean_iou']:.3f}**, pixel accuracy {scores['pixel_accuracy']:.3f}" in README


def test_the_figure_of_the_report_is_of_the_committed_run():
    with Image.open(FIGURE) as figure:
        assert float(figure.text[NOTE]) == pytest.approx(committed_scores()["mean_iou"], abs=1e-4)


def test_the_table_of_scores_is_the_same_on_both_pages():
    ours, theirs = ([row for row in tables(page) if len(row) == 9] for page in ("README.md", "docs/results.md"))
    assert ours == [row for row in theirs if row in ours]


def test_every_parameter_is_listed_with_its_default():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["data"]["classes"] = "table"
    defaults = {"`launch`": params.pop("launch")}
    for block, keys in params.items():
        defaults |= {f"`{block}.{key}`": json.dumps(value).strip('"') for key, value in keys.items()}
    listed = {row[0]: row[1].strip("`") for row in tables("docs/parameters.md") if row[0].startswith("`")}
    assert listed == defaults


@pytest.mark.long
def test_the_cost_of_todays_decoders_is_that_of_the_command_models():
    rows = list_networks(backbone="resnet50")
    costs = {f"`{row.model}`": [f"{row.parameters / 1e6:.1f} M", f"{row.gflops:.0f}", str(row.stride)] for row in rows}
    listed = {row[0]: row[2:] for row in tables("docs/networks.md") if row[0] in costs and len(row) == 5}
    assert len(listed) == 8
    assert listed == {name: costs[name] for name in listed}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_links_to_exists(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        file = target.partition("#")[0]
        assert target.startswith(("http", "#")) or (page.parent / file).is_file(), target


def test_every_file_that_contributors_are_sent_to_exists():
    paths = {
        span for span in spans((ROOT / "CONTRIBUTING.md").read_text()) if re.match(r"(src|stages|tests|docs)/", span)
    }
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_page_is_linked_from_the_readme_or_the_start():
    start = README + (ROOT / "docs" / "index.md").read_text().replace("](", "](docs/")
    for page in (ROOT / "docs").glob("*.*"):
        if page.suffix in (".md", ".ipynb") and page.name != "index.md":
            assert f"](docs/{page.name}" in start, page.name


def test_the_results_are_those_in_results():
    folder, page = ROOT / "results", (ROOT / "docs" / "results.md").read_text()
    assert with_results(page, results_text(read_rows(folder), read_published(folder / "published.yaml"))) == page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_one_word_for_one_thing(page):
    assert not re.findall(r"\bpictures?\b", page.read_text(), flags=re.IGNORECASE)  # image, mask, map or figure


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_fit_an_editor(page):
    prose = [line for line in page.read_text().splitlines() if not line.startswith(("|", "    ")) and "](" not in line]
    assert [line for line in prose if len(line) > 120] == []
