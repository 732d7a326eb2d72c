"""YAML and JSON as plain types. A key that stands twice in a table is an error: which one counts would be chance."""

import json
from collections.abc import Hashable
from typing import Any

import yaml


class DuplicateKeyError(ValueError):
    """A table in which a key stands twice."""


def load_yaml(text: str) -> Any:
    """Content of a YAML document, of plain types only.

    Raises:
        yaml.YAMLError: It is no YAML.
        DuplicateKeyError: A key stands twice in a table; the message names it and its line.
        ValueError, RecursionError: It has a value that cannot be, such as the date 2019-02-31, or nests too deeply.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def load_json(text: str) -> Any:
    """Content of a JSON document.

    Raises:
        DuplicateKeyError: A key stands twice in an object; the message names it.
        ValueError, RecursionError: It is no JSON, or nests too deeply.
    """
    return json.loads(text, object_pairs_hook=_without_duplicates)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # "<<" may stand several times, and is overridden on purpose
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):  # else the parent says what is wrong with it
                if key in seen:
                    raise DuplicateKeyError(f"line {key_node.start_mark.line + 1}: the key {key!r:.60} stands twice")
                seen.add(key)
        return super().construct_mapping(node, deep)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = {}
    for key, value in pairs:
        if key in table:
            raise DuplicateKeyError(f"the key {key!r:.60} stands twice")
        table[key] = value
    return table
