"""List and override the numbers of the simulated table by dotted name."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from labctl.core.errors import ConfigError
from labctl.sim.twin.numbers import TwinParameters
from labctl.sim.twin.quantity import leaves

__all__ = ["ParameterEntry", "TwinParameters", "list_parameters", "with_overrides"]

REMEDY = "'labctl sim parameters' lists all names, values and units"


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """Describe one number of the simulated table."""

    name: str
    value: float | int
    unit: str
    description: str


def list_parameters(parameters: TwinParameters | None = None) -> list[ParameterEntry]:
    """Return every number with its dotted name, value, unit and meaning, in a fixed order."""
    return [ParameterEntry(*leaf) for leaf in leaves(parameters or TwinParameters())]


def with_overrides(
    overrides: Mapping[str, Any], base: TwinParameters | None = None
) -> TwinParameters:
    """Return the numbers of `base` (default: the shipped ones) with some replaced by dotted name.

    Nested mappings are read as dotted names, because TOML turns an unquoted `ccd.rows` into them.

    Raises
    ------
    ConfigError
        If a name is unknown (the message names the nearest known one), or if a value is of the
        wrong type, not finite or out of range.
    """
    base = base or TwinParameters()
    known = [entry.name for entry in list_parameters(base)]
    tree = base.model_dump()
    for name, value in _flat(overrides).items():
        if name not in known:
            raise ConfigError(
                f"simulation override {name!r} is unknown{_hint(name, known)}", remedy=REMEDY
            )
        *groups, leaf = name.split(".")
        branch = tree
        for group in groups:
            branch = branch[group]
        branch[leaf] = value
    try:
        return TwinParameters.model_validate(tree)
    except ValidationError as error:
        text = "; ".join(_explain(item) for item in error.errors())
        raise ConfigError(f"simulation override refused: {text}", remedy=REMEDY) from error


def _flat(overrides: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _explain(item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"])
    given = "" if isinstance(item["input"], Mapping) else f" = {item['input']!r}"
    return f"{name}{given}: {item['msg']}"


def _hint(name: str, known: list[str]) -> str:
    inside = [entry for entry in known if entry.startswith(f"{name}.")]
    if inside:
        return f"; it is a group of {', '.join(inside)}"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else ""
