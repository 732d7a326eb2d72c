"""Run an experiment and record its result in results/NAME.json.

    python -m results.record NAME dvc exp run evaluate -S KEY=VALUE ...

The experiment runs twice, without test-time augmentation and with it (once if the command sets `predict.tta=none`, as
a search does); the second time DVC restores the training. The minutes are those of the first run, all stages together.
If it was interrupted, the same command goes on, and all its sittings count. If the training was restored from DVC's
cache, the minutes recorded earlier for the same training are kept.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import processor
from landcover.models.model_file import load_model
from landcover.system.errors import LandcoverError
from results.clock import Clock
from stages.common.paths import MODEL
from stages.common.runner import run

FOLDER = Path("results")
PARAMS = Path("params.yaml")
CODE = ("params.yaml", "dvc.yaml", "stages", "src")
"""What a result depends on besides the command, the data and the packages."""

_TRAINS = "Running stage 'train'"
"""DVC's line for a training that it does not restore. No call of `dvc.api`, such as `exp_show`, tells the two apart."""


def main() -> None:
    """Run the experiment and record the result of each run."""
    name, *command = sys.argv[1:]
    commit = committed_code()
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the experiment, which stops by itself
    path = FOLDER / f"{name}.json"
    for tta in ("none",) if "predict.tta=none" in command else ("none", "d4"):
        params, minutes = run_experiment([*command, "-S", f"predict.tta={tta}"], commit)
        scores = metrics("evaluate")
        row: dict[str, Any] = {
            "command": shlex.join(command),
            "weights_origin": origin_of(params["train"]["weights"]),
            "params": params,
            "training": metrics("train"),
            "trained": minutes and {"minutes": minutes, "machine": processor(), "commit": commit},
            "scores": {tta: scores},
        }
        earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps(merged(row, earlier), indent=2) + "\n", encoding="utf-8")
        print(f"{path}: mean IoU {scores['mean_iou']}, test-time augmentation: {tta}")


def merged(row: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """The row, completed by the minutes and the other scores of an earlier row of the same training."""
    if any(earlier.get(key) != row[key] for key in ("params", "training")):
        return row
    return row | {"trained": row["trained"] or earlier["trained"], "scores": earlier["scores"] | row["scores"]}


def run_experiment(command: list[str], commit: str) -> tuple[dict[str, dict[str, Any]], int | None]:
    """Run `dvc exp run`, then restore params.yaml, from which the next command starts.

    Returns:
        The parameters that were used, and the minutes that the run took; None if it did not train, or is not known.
    """
    committed, trained = PARAMS.read_bytes(), False
    clock = Clock(commit, *command)
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                print(line, end="", flush=True)
                trained |= line.startswith(_TRAINS)
                clock.note()
        if process.returncode:
            sys.exit(process.returncode)
        params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    finally:
        PARAMS.write_bytes(committed)
    recorded = {block: params[block] for block in ("data", "prepare", "train", "predict")}
    del recorded["data"]["classes"], recorded["predict"]["tta"]
    clock.forget()
    return recorded, clock.minutes() if trained else None


def committed_code() -> str:
    """The short commit of the code that runs.

    Raises:
        LandcoverError: Code or parameters differ from the commit: the command alone would not give the result again.
    """
    if changed := output("git", "status", "--porcelain", "--", *CODE):
        raise LandcoverError(f"not as committed: {', '.join(changed.splitlines())}. Commit it, or 'git checkout' it.")
    return output("git", "rev-parse", "--short", "HEAD")


def origin_of(weights: str) -> str:
    """Where weights come from, empty if that is not known.

    Of ImageNet's, the model says it; of a file, the environment variable WEIGHTS_ORIGIN.
    """
    if weights == "imagenet":
        origin = load_model(MODEL).origin
        return [*origin.members, origin][0].weights or ""
    return "" if weights == "none" else os.environ.get("WEIGHTS_ORIGIN", "")


def metrics(stage: str) -> dict[str, Any]:
    """The metrics that a stage has written."""
    content: dict[str, Any] = json.loads(Path(f"metrics/{stage}.json").read_text(encoding="utf-8"))
    return content


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    run(main)
