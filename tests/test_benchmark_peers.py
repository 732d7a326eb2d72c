"""Peers of the benchmarks: those that are not installed are skipped, and one that fails says why."""

import pytest

from benchmarks import __main__ as program
from benchmarks import tables, training_peers
from benchmarks.harness import Row
from benchmarks.turns import processes_in_turns


def test_without_its_packages_a_subject_is_skipped_and_its_figures_stay(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tables, "FOLDER", tmp_path / "measured")
    monkeypatch.setattr(tables, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr(training_peers, "PACKAGES", ("no_such_package",))
    tables.record(program.instructions(), "training_peers", [Row("ten steps", "1.00 s", "2.00 s", 2.0)])
    before = {path: path.read_bytes() for path in (tmp_path / "measured").iterdir()}
    program.measure(training_peers, is_recorded=True)
    output = capsys.readouterr()
    assert "training_peers is skipped: no no_such_package. pip install -r requirements-bench.txt" in output.err
    assert not output.out
    assert {path: path.read_bytes() for path in (tmp_path / "measured").iterdir()} == before


def test_a_program_that_fails_is_named_and_shows_its_messages(capfd):
    with pytest.raises(ChildProcessError, match="the peer ended before its turn did"):
        processes_in_turns({"the peer": ("no_such_module",)}, rounds=1)
    assert "No module named benchmarks.no_such_module" in capfd.readouterr().err
