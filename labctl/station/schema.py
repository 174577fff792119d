"""Export the JSON schema of the station file, for editors and for error messages.

`python -m labctl.station > configs/labctl.schema.json` writes the committed copy.
"""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labctl.station.sections import StationFile

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


@functools.cache
def station_file_schema() -> dict[str, Any]:
    """Return the JSON schema of a station file."""
    schema = StationFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "labctl station file"
    return schema


def schema_text() -> str:
    """Return the schema as it stands in `configs/labctl.schema.json`."""
    return json.dumps(station_file_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def allowed_at(key: Sequence[str | int]) -> str:
    """Return what a key may hold, in words; an empty string if any value will do."""
    return _words(_node_at(key))


def known_keys_at(key: Sequence[str | int]) -> list[str]:
    """Return the keys that may stand beside a key."""
    return list(_node_at(key[:-1]).get("properties", {}))


def _words(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(repr(choice) for choice in node["enum"])
    if "const" in node:
        return repr(node["const"])
    if "pattern" in node:
        return f"text that matches {node['pattern']}"
    bounds = [f"{sign} {node[name]:g}" for name, sign in _BOUNDS.items() if name in node]
    kind = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
    words = kind.get(str(node.get("type")), "")
    return " ".join(filter(None, [words, " and ".join(bounds)]))


def _node_at(key: Iterable[str | int]) -> Mapping[str, Any]:
    node: Mapping[str, Any] = station_file_schema()
    for part in key:
        node = _child(_resolve(node), part)
    return _resolve(node)


def _child(node: Mapping[str, Any], part: str | int) -> Mapping[str, Any]:
    if isinstance(part, int):
        prefix = node.get("prefixItems", [])
        found = prefix[part] if part < len(prefix) else node.get("items", {})
    else:
        found = node.get("properties", {}).get(part)
        if found is None:
            named = node.get("patternProperties") or {}
            found = next(iter(named.values()), node.get("additionalProperties"))
    return found if isinstance(found, Mapping) else {}


def _resolve(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference, and the one alternative to null."""
    for option in node.get("anyOf", ()):
        if option.get("type") != "null":
            return _resolve(option)
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        return dict(station_file_schema()["$defs"][name])
    return node
