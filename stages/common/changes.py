"""Note which parameters differ from the last commit: one that was tried and forgotten affects every later run."""

import os

import yaml

from landcover.system.differences import differences, in_one_line
from landcover.system.documents import load_yaml
from landcover.system.errors import note
from landcover.system.git import git_output
from stages.common.paths import PARAMS

WITHOUT_EFFECT = frozenset({"scale"})
"""Blocks of params.yaml on which nothing that is made depends: no stage depends on them in dvc.yaml."""


def note_uncommitted(*blocks: str) -> None:
    """Note in one line which parameters of these blocks of params.yaml differ from the committed ones.

    Those of blocks without effect are not noted.

    Prints nothing if that is not known: without git, without a commit, or if a file cannot be read, which is reported
    elsewhere.
    """
    if os.environ.get("RANK", "0") != "0" or not blocks:  # set by torchrun: only the first of its processes prints
        return
    committed = git_output("show", f"HEAD:./{PARAMS}")
    if committed is None:
        return
    try:
        ours, theirs = load_yaml(PARAMS.read_text(encoding="utf-8")), load_yaml(committed)
        pairs = [(f"{block}.", ours.get(block), theirs.get(block)) for block in blocks if block not in WITHOUT_EFFECT]
        found = [text for pair in pairs for text in differences(*pair, name_of_theirs="committed")]
    except (OSError, ValueError, RecursionError, AttributeError, yaml.YAMLError):
        return
    if found:
        note(f"{PARAMS}: {in_one_line(found)}")
