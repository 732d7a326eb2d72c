"""Run an experiment and write down in results/NAME.json what it came to.

    python -m results.record NAME dvc exp run evaluate -S KEY=VALUE ...

It is run twice, without test-time augmentation and with it, unless the command says `predict.tta=none`, as a search
does; the second time DVC trains nothing. The minutes are those of the first time, all stages together, if it trained
from start to end. If the training was restored from DVC's cache, or went on from a checkpoint, the minutes stay that
were written down when the same training was recorded before.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import processor
from landcover.system.errors import LandcoverError
from stages.common.runner import run

FOLDER = Path("results")
PARAMS = Path("params.yaml")
CHECKPOINT = Path("checkpoints/train.pt")
CODE = ("params.yaml", "dvc.yaml", "stages", "src")
"""What a result depends on besides the command, the data and the packages."""


def main() -> None:
    """Run the experiment, record what came of it each time."""
    name, *command = sys.argv[1:]
    commit = committed_code()
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the experiment, which ends in its own time
    path = FOLDER / f"{name}.json"
    for tta in ("none",) if "predict.tta=none" in command else ("none", "d4"):
        params, minutes = run_experiment([*command, "-S", f"predict.tta={tta}"])
        row = {
            "command": shlex.join(command),
            "weights_origin": origin_of(params["train"]["weights"]),
            "params": params,
            "training": metrics("train"),
            "trained": minutes and {"minutes": minutes, "machine": processor(), "commit": commit},
            "scores": {tta: metrics("evaluate")},
        }
        earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps(merged(row, earlier), indent=2) + "\n", encoding="utf-8")
        print(f"{path}: mean IoU {row['scores'][tta]['mean_iou']}, test-time augmentation: {tta}")


def merged(row: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """A row, with the minutes and the other scores that an earlier one of the same training has."""
    if any(earlier.get(key) != row[key] for key in ("params", "training")):
        return row
    return row | {"trained": row["trained"] or earlier["trained"], "scores": earlier["scores"] | row["scores"]}


def run_experiment(command: list[str]) -> tuple[dict[str, dict[str, Any]], int | None]:
    """Run `dvc exp run`, then take back what it did to params.yaml, from which the next command is to start.

    Returns:
        The parameters that were used, and the minutes that it took; None if it did not train from start to end.
    """
    committed, is_whole = PARAMS.read_bytes(), False
    start, unfinished = time.monotonic(), CHECKPOINT.exists()
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                is_whole |= line.startswith("Running stage 'train'") and not unfinished
        if process.returncode:
            sys.exit(process.returncode)
        params = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    finally:
        PARAMS.write_bytes(committed)
    kept = {block: params[block] for block in ("data", "prepare", "train", "predict")}
    del kept["data"]["classes"], kept["predict"]["tta"]
    return kept, max(1, round((time.monotonic() - start) / 60)) if is_whole else None


def committed_code() -> str:
    """The commit, shortened, of the code that runs.

    Raises:
        LandcoverError: Something of it is not as committed: the command alone would not give the result again.
    """
    if changed := output("git", "status", "--porcelain", "--", *CODE):
        raise LandcoverError(f"not as committed: {', '.join(changed.splitlines())}. Commit it, or 'git checkout' it.")
    return output("git", "rev-parse", "--short", "HEAD")


def origin_of(weights: str) -> str:
    """What the environment variable WEIGHTS_ORIGIN says of a file of weights; of others there is nothing to say."""
    return "" if weights in ("none", "imagenet") else os.environ.get("WEIGHTS_ORIGIN", "")


def metrics(stage: str) -> dict[str, Any]:
    """What a stage has written."""
    return json.loads(Path(f"metrics/{stage}.json").read_text(encoding="utf-8"))


def output(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    run(main)
