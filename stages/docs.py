"""Generate the documentation of the parameters from their fields: `make docs`, or `python -m stages.docs`.

in:   params.yaml, and the fields of its blocks
out:  params.yaml, with new comments, the same values, and missing keys with their defaults; docs/parameters.md
"""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field
from pydantic.fields import FieldInfo

from landcover.system.documents import load_yaml
from landcover.system.errors import LandcoverError
from landcover.system.files import replacing
from landcover.system.settings import Settings
from landcover.training.recipe import Recipe
from stages.common.data_block import Data
from stages.common.params import BLOCKS, LAUNCH
from stages.common.paths import PARAMS
from stages.common.runner import run
from stages.common.scale_block import Scale
from stages.evaluate import Evaluate
from stages.predict import Predict
from stages.prepare import Prepare
from stages.report import Page

PAGE = Path("docs/parameters.md")
KINDS: dict[str, type[Settings]] = dict(
    zip(BLOCKS, (Data, Prepare, Recipe, Predict, Evaluate, Page, Scale), strict=True)
)

_LIMITS = ("ge", "gt", "le", "lt", "multiple_of")  # attributes of the limits in `FieldInfo.metadata`
_COLUMN = 28  # of the comments, where values leave room
_TECHNICAL = 2**20  # upper limits from here on only keep numbers within their type
_HEAD = """\
# All parameters of the pipeline. Try one without editing: dvc exp run -S train.model=fcn32s
# The comments are generated from the code: make docs
"""
_PAGE_HEAD = """\
# Parameters

All parameters are in `params.yaml`. Set one for a run with `-S`, for example `dvc exp run -S train.lr=0.002`, or edit
the file. They are typed and checked: an unknown key, a wrong type or an impossible value is an error of one line that
says what is allowed. This page is generated from the code: `make docs`.

| key | default | meaning |
|---|---|---|
"""


class Launch(Settings):
    """What stands beside the blocks of params.yaml."""

    launch: str = Field(
        "python",
        description="command that starts train and predict: python, or torchrun with its options for several processes",
    )


def main() -> None:
    """Write both files."""
    text = params_text(PARAMS.read_text(encoding="utf-8"))
    for path, content in ((PARAMS, text), (PAGE, page())):
        with replacing(path) as scratch:
            scratch.write_text(content, encoding="utf-8")
    print(f"{PARAMS}, {PAGE}: {sum(len(kind.model_fields) for kind in KINDS.values()) + 1} parameters")


def params_text(text: str) -> str:
    """The text of params.yaml with new comments.

    Values stay as they are written in `text`, keys that are missing there get their defaults.

    Raises:
        LandcoverError: A block or key is unknown, or a required one is missing, or a value cannot be kept.
    """
    root = dict(_entries(yaml.compose(text, yaml.SafeLoader)))
    content = load_yaml(text)
    if unknown := root.keys() - {LAUNCH, *KINDS}:
        raise LandcoverError(f"{PARAMS}: {min(unknown)}: no such block. Remove it.")
    launch = Launch.model_fields[LAUNCH]
    parts = [_HEAD, _line(f"{LAUNCH}: {_source(root.get(LAUNCH), text) or _yaml(launch.default)}", _meaning(launch))]
    for name, kind in KINDS.items():
        block = dict(_entries(root.get(name)))
        fields = kind.model_fields
        if unknown := block.keys() - fields.keys():
            raise LandcoverError(f"{PARAMS}: {name}.{min(unknown)}: no such key. Remove it.")
        lines = [f"{name}:\n"]
        for key, field in fields.items():
            if key not in block and field.is_required():
                raise LandcoverError(f"{PARAMS}: {name}.{key}: missing. Add it.")
            source = _source(block.get(key), text, "    ") if key in block else _yaml(field.default)
            first, *more = source.split("\n")
            lines += [_line(f"  {key}:{first and ' '}{first}", _meaning(field)), *(f"{line}\n" for line in more)]
        parts.append("".join(lines))
    written = "\n".join(parts)
    if _loses(content, load_yaml(written)):
        raise LandcoverError(f"{PARAMS}: some values cannot be kept. Write each in one line, without anchors.")
    return written


def page() -> str:
    """The text of docs/parameters.md."""
    fields = {LAUNCH: Launch.model_fields[LAUNCH]}
    fields |= {f"{name}.{key}": field for name, kind in KINDS.items() for key, field in kind.model_fields.items()}
    rows = [(f"`{key}`", _default(field), _meaning(field)) for key, field in fields.items()]
    return _PAGE_HEAD + "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


def _loses(before: Any, after: Any) -> bool:
    """Whether a value of a table, or of the tables in it, is missing or different in another one."""
    if isinstance(before, dict) and isinstance(after, dict):
        return any(key not in after or _loses(value, after[key]) for key, value in before.items())
    return bool(before != after)


def _entries(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    """Keys of a mapping and the nodes of their values; none if it is something else."""
    return [(key.value, value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []


def _source(node: yaml.Node | None, text: str, indent: str = "") -> str:
    """A value as it is written; a table or list over several lines begins with a line break."""
    if node is None:
        return ""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        if isinstance(node, yaml.MappingNode):
            items = [(f"{_source(key, text)}:", value) for key, value in node.value]
        else:
            items = [("-", value) for value in node.value]
        sources = [(head, _source(value, text, indent + "  ")) for head, value in items]
        return "".join(f"\n{indent}{head}{'' if source[:1] == chr(10) else ' '}{source}" for head, source in sources)
    return text[node.start_mark.index : node.end_mark.index].strip()


def _line(entry: str, meaning: str) -> str:
    return f"{entry:{_COLUMN - 2}}  # {meaning}\n"


def _yaml(value: Any) -> str:
    """A default as YAML in one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("\n").removesuffix("\n...")


def _default(field: FieldInfo) -> str:
    """A default as the page shows it."""
    return "table" if field.is_required() else json.dumps(field.default).strip('"')


def _meaning(field: FieldInfo) -> str:
    """The description of a field, and its limits where they are not obvious."""
    limits = _limits(field)
    return f"{field.description} ({limits})" if limits else f"{field.description}"


def _limits(field: FieldInfo) -> str:
    """The limits of a number in words; "" if they are obvious, such as at least 0."""
    limits = {name: getattr(limit, name) for limit in field.metadata for name in _LIMITS if hasattr(limit, name)}
    least, above, most, below, multiple = (limits.get(name) for name in _LIMITS)
    words = []
    if any(limit is not None and limit < _TECHNICAL for limit in (most, below)):
        lower = f"above {above}, up to" if least is None else f"{least} to"
        words.append(f"{lower} below {below}" if most is None else f"{lower} {most}")
    elif above is not None:
        words.append(f"above {above}")
    elif least not in (None, 0, 1):
        words.append(f"at least {least}")
    if multiple is not None:
        words.append(f"a multiple of {multiple}")
    return ", ".join(words)


if __name__ == "__main__":
    run(main)
