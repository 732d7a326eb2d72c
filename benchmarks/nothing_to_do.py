"""`dvc repro` with nothing to do, against a bare DVC project of two stages with as many files.

The bare project has the pairs as its data, a stage that reads them and makes one file per pair (as `predict` makes
masks), and one that reads both (as `evaluate` does); nothing else.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.harness import ROOT, Row, in_turns
from benchmarks.images import write_pairs

COUNTS = (10, 1000, 5000)
NOTE = """\
What is left is DVC's own: starting Python and DVC, and for each file in a data folder a look at its size and time to
see whether it changed. Most of what ours takes longer (`python -m cProfile -s cumtime -m dvc repro evaluate`) is for
reading dvc.lock, dvc.yaml and, for five stages, params.yaml with a parser of YAML that is written in Python. Then
comes a look at each of some hundred files of code, which are listed one by one so that a change runs only the stages
that need it. Both are constants. Its data are the input of three stages, those of the bare project of two."""

_COPY = "import pathlib, sys; o = pathlib.Path('copy'); o.mkdir(); [(o / p.name).write_text(p.name) "
_COPY += "for p in pathlib.Path('data').glob('*/*_mask.png')]"


def measure(scratch: Path) -> Iterator[Row]:
    """A row for each number of pairs."""
    for count in COUNTS:
        folder = scratch / str(count)
        write_pairs(folder / "data" / "train", count // 2, side=16)
        write_pairs(folder / "data" / "validation", count - count // 2, side=16, seed=1)
        ours, bare = _ours(folder), _bare(folder)
        tasks = {"ours": lambda at=ours: _repro(at), "bare": lambda at=bare: _repro(at)}
        times = in_turns(tasks, rounds=5 if count < 5000 else 3)
        ratio = times["ours"].median / times["bare"].median
        yield Row(f"{count} pairs", str(times["ours"]), str(times["bare"]), ratio, "<= 1.3")


def _ours(folder: Path) -> Path:
    """This project on the pairs, all stages done, with one short epoch of a small network."""
    project = folder / "ours"
    subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
    shutil.copytree(folder / "data", project / "data" / "pairs")
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["data"]["root"] = "data/pairs"
    params["prepare"]["max_off_palette"] = 1.0
    params["train"] |= {
        "model": "fcn32s",
        "backbone": "mobilenet_v2",
        "weights": "none",
        "epochs": 1,
        "steps": 1,
        "batch_size": 2,
        "crop": 32,
    }
    params["predict"]["tta"] = "none"
    params["evaluate"]["resamples"] = 100
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    _dvc(project, "repro", "--quiet")
    return project


def _bare(folder: Path) -> Path:
    project = folder / "bare"
    project.mkdir()
    shutil.copytree(folder / "data", project / "data")
    last = f"{sys.executable} -c \"open('last', 'w').write('done')\""
    (project / "copy_masks.py").write_text(_COPY)
    stages = {
        "copy": {"cmd": f"{sys.executable} copy_masks.py", "deps": ["data"], "outs": ["copy"]},
        "last": {"cmd": last, "deps": ["data", "copy"], "outs": ["last"]},
    }
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    _dvc(project, "init", "--quiet")
    _dvc(project, "repro", "--quiet")
    return project


def _repro(project: Path) -> None:
    _dvc(project, "repro", *(["evaluate"] if project.name == "ours" else []))


def _dvc(project: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
