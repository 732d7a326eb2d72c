"""Run the pipeline without DVC, where only Python, PyTorch and the small packages are installed.

    python -m stages [STAGE ...] [-S BLOCK.KEY=VALUE ...]

changes params.yaml as `dvc exp run -S` does, then runs the stages named, by default prepare, weights, train, predict,
evaluate and report. Of these it leaves out those that it ran before with the same parameters, for themselves and all
stages before them. It does not look whether data or code have changed: name a stage to run it in any case.
"""

import json
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import yaml

from landcover.system.documents import load_yaml
from landcover.system.errors import LandcoverError
from stages.common.params import LAUNCH
from stages.common.paths import PARAMS
from stages.common.runner import run

PIPELINE = Path("dvc.yaml")
STAGES = ("prepare", "weights", "train", "predict", "evaluate", "report")
DONE = Path("checkpoints/stages.json")
"""The parameters, by stage, with which each was last run to its end."""


def main() -> None:
    """Set the parameters, then run what they ask for."""
    parser = ArgumentParser("python -m stages", description="Run the pipeline without DVC.")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}; default: all")
    parser.add_argument("-S", dest="settings", action="append", default=[], metavar="BLOCK.KEY=VALUE")
    arguments = parser.parse_intermixed_args()
    if unknown := [name for name in arguments.stages if name not in STAGES]:
        raise LandcoverError(f"no stage {unknown[0]!r}. Name one of {', '.join(STAGES)}.")
    text = PARAMS.read_text(encoding="utf-8")
    for setting in arguments.settings:
        text = with_setting(text, setting)
    PARAMS.write_text(text, encoding="utf-8")
    run_stages(load_yaml(text), arguments.stages)


def with_setting(text: str, setting: str) -> str:
    """params.yaml with another value of one key; its comments stay.

    Args:
        setting: BLOCK.KEY=VALUE, the value in YAML.

    Raises:
        LandcoverError: Not of that form, or no such key with a value in one line.
    """
    parts = re.fullmatch(r"(\w+)\.(\w+)=(.*)", setting)
    block, key, value = parts.groups() if parts else ("", "", "")
    line = re.compile(rf"(^{block}:\n(?:(?:  .*)?\n)*?  {key}:) +[^ \n].*?(?=(?: +#.*)?$)", re.MULTILINE)
    changed, count = line.subn(lambda match: f"{match[1]} {value}", text)
    if not count:
        raise LandcoverError(f"-S {setting}: {PARAMS} has no such key. Write -S BLOCK.KEY=VALUE.")
    try:
        if load_yaml(changed)[block][key] == load_yaml(value):
            return changed
    except (yaml.YAMLError, ValueError):
        pass
    raise LandcoverError(f"-S {setting}: the value is not YAML in one line. Quote it, or edit {PARAMS}.")


def run_stages(params: dict[str, Any], named: list[str]) -> None:
    """Run the stages named, or all that did not run before with these parameters.

    Raises:
        SystemExit: A stage failed, after it said why; with its exit code.
    """
    pipeline = load_yaml(PIPELINE.read_text(encoding="utf-8"))["stages"]
    done = json.loads(DONE.read_text(encoding="utf-8")) if DONE.exists() else {}
    used: dict[str, Any] = {}
    for stage in STAGES:
        used = used | {name: value_of(params, name) for name in pipeline[stage]["params"]}
        if named and stage not in named:
            continue
        if not named and done.get(stage) == used:
            print(f"Stage '{stage}' ran before with these parameters, skipping", flush=True)
            continue
        done = {name: done[name] for name in STAGES[: STAGES.index(stage)] if name in done}  # later ones are outdated
        write_done(done)
        command = pipeline[stage]["cmd"].replace(f"${{{LAUNCH}}}", params[LAUNCH])
        print(f"Running stage '{stage}':\n> {command}", flush=True)
        program, *rest = shlex.split(command)
        code = subprocess.run([sys.executable if program == "python" else program, *rest]).returncode
        if code:
            sys.exit(code)
        done[stage] = used
        write_done(done)


def value_of(params: dict[str, Any], name: str) -> Any:
    """A block of params.yaml by its name, or the value of a key by BLOCK.KEY."""
    block, _, key = name.partition(".")
    return params[block][key] if key else params[block]


def write_done(done: dict[str, Any]) -> None:
    """Remember which stages ran, and with what."""
    DONE.parent.mkdir(exist_ok=True)
    DONE.write_text(json.dumps(done), encoding="utf-8")


if __name__ == "__main__":
    run(main)
