"""The page of benchmarks: what one kind of processor measures leaves the other's figures alone."""

from types import ModuleType

import pytest

from benchmarks import tables
from benchmarks.harness import Row

FAST, SLOW = Row("ten images", "1.00 s", "2.00 s", 0.5, "<= 1"), Row("ten images", "3.00 s", "2.00 s", 1.5, "<= 1")


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "FOLDER", tmp_path / "measured")
    monkeypatch.setattr(tables, "PAGE", tmp_path / "results.md")
    subjects = {
        ModuleType("benchmarks.speed", "How fast."): "speed",
        ModuleType("benchmarks.size", "How large."): "size",
    }

    def written() -> str:
        tables.write_page(subjects)
        return tables.PAGE.read_text(encoding="utf-8")

    return written


def test_each_kind_of_processor_has_a_column(page):
    tables.record("AVX2", "speed", [FAST])
    tables.record("AVX512", "speed", [SLOW, Row("alone", "1 MB", "1 MB", 1.0)])
    text = page()
    assert "| case | target | AVX2 | AVX512 |" in text
    assert "| ten images | ≤ 1 | 0.50, met (1.00 s : 2.00 s) | **1.50, missed** (3.00 s : 2.00 s) |" in text
    assert "| alone |  |  | 1.00 (1 MB : 1 MB) |" in text
    assert "How large.\n\nNot measured yet." in text


def test_measuring_again_replaces_the_own_figures_alone(page):
    tables.record("AVX2", "speed", [SLOW])
    tables.record("AVX2", "size", [FAST])
    tables.record("AVX512", "speed", [SLOW])
    before = page()
    tables.record("AVX2", "speed", [FAST])
    after = page()
    assert before.replace("**1.50, missed** (3.00 s : 2.00 s) | **", "0.50, met (1.00 s : 2.00 s) | **") == after
