"""The README says what is so: its figures are the committed ones, its parameters those of params.yaml."""

import json
import re
from pathlib import Path

import yaml

from results.table import read_published, read_rows, results_text, with_results

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Cells of the tables in a section of the README."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]


def test_the_scores_are_those_of_the_committed_run():
    scores = json.loads((ROOT / "metrics" / "evaluate.json").read_text())
    measured = [scores["mean_iou"], scores["pixel_accuracy"], *scores["iou"].values()]
    ours = next(row for row in rows("Start") if row[0].startswith("**fcn1s"))
    assert ours[1:] == [f"{value:.3f}" for value in measured]
    assert f"between {scores['mean_iou_low']:.3f} and {scores['mean_iou_high']:.3f} (95 %" in README
    assert f"mean IoU {scores['mean_iou']}, pixel accuracy {scores['pixel_accuracy']}" in README
    assert f"mean IoU **{scores['mean_iou']:.3f}**, pixel accuracy {scores['pixel_accuracy']:.3f}" in README


def test_every_parameter_is_listed_with_its_default():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["data"]["classes"] = "table"
    defaults = {"`launch`": params.pop("launch")}
    for block, keys in params.items():
        defaults |= {f"`{block}.{key}`": json.dumps(value).strip('"') for key, value in keys.items()}
    assert {row[0]: row[1] for row in rows("Parameters")[2:]} == defaults


def test_every_image_and_file_that_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("http") or (ROOT / target).is_file(), target


def test_the_results_are_those_in_results():
    folder = ROOT / "results"
    assert with_results(README, results_text(read_rows(folder), read_published(folder / "published.yaml"))) == README
