"""Read YAML and JSON as plain types. A duplicate key is an error, because it is not defined which one counts."""

import json
from collections.abc import Hashable
from typing import Any

import yaml


class DuplicateKeyError(ValueError):
    """A table has a duplicate key."""


def load_yaml(text: str) -> Any:
    """Return the content of a YAML document, as plain types only.

    Raises:
        yaml.YAMLError: It is not YAML.
        DuplicateKeyError: A table has a duplicate key; the message names the key and its line.
        ValueError, RecursionError: A value is impossible, such as the date 2019-02-31, or the tables nest too deeply.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def load_json(text: str) -> Any:
    """Return the content of a JSON document.

    Raises:
        DuplicateKeyError: An object has a duplicate key; the message names it.
        ValueError, RecursionError: It is not JSON, or nests too deeply.
    """
    return json.loads(text, object_pairs_hook=_without_duplicates)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":  # "<<" may occur several times, and is meant to be overridden
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):  # if not, the base class raises an error
                if key in seen:
                    raise DuplicateKeyError(f"line {key_node.start_mark.line + 1}: duplicate key {key!r:.60}")
                seen.add(key)
        return super().construct_mapping(node, deep)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = {}
    for key, value in pairs:
        if key in table:
            raise DuplicateKeyError(f"duplicate key {key!r:.60}")
        table[key] = value
    return table
