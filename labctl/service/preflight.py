"""Refuse a run that its own dry run shows to be impossible, before anything is moved."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labctl.core.channels import Station
from labctl.core.errors import LimitError
from labctl.core.messages import Acquire, Message, Read, Set, Wait
from labctl.core.parameters import ParameterModel, parse_parameters
from labctl.core.procedure import get_procedure
from labctl.engine import DryRun
from labctl.station import read_station_file

MOST_SHOWN = 5


def check_request(station_file: Path, procedure: str, values: dict[str, Any]) -> None:
    """Check names, units and ranges of a request; opens no port.

    Raises
    ------
    ConfigError
        If the station file cannot be used.
    UsageError
        If the procedure or a parameter is unknown, missing or out of range.
    """
    packages = read_station_file(station_file).station.procedures
    parse_parameters(get_procedure(procedure, packages).Parameters, values, procedure)


def refuse_impossible(
    expected: DryRun, name: str, parameters: ParameterModel, station: Station
) -> None:
    """Raise `LimitError` if what the parameters ask for is certain to be refused."""
    certain = certain_violations(expected, parameters, station)
    if certain:
        more = f"; and {len(certain) - MOST_SHOWN} more" if len(certain) > MOST_SHOWN else ""
        raise LimitError(
            f"{name}: " + "; ".join(certain[:MOST_SHOWN]) + more,
            remedy=f"nothing was moved: change the parameters ('labctl procedures show {name}') "
            "or the station file",
        )


def certain_violations(expected: DryRun, parameters: ParameterModel, station: Station) -> list[str]:
    """Return what is certain to be refused, each cause once.

    The dry run answers with dummies, so a value that the plan computes from an answer says
    nothing yet: only names and numbers that stand in the parameters, or that the station does
    not know, count.
    """
    given = set(_leaves(parameters.model_dump()))
    certain = {
        re.sub(r"^point \d+: ", "", text): None
        for text, message in zip(expected.violations, expected.refused, strict=True)
        if message is not None and _is_certain(message, given, station)
    }
    return list(certain)


def _is_certain(message: Message, given: set[Any], station: Station) -> bool:
    match message:
        case Set(channel=channel, value=value):
            return channel not in station.channels or isinstance(value, str) or value in given
        case Wait(channel=channel) | Read(channel=channel):
            return channel not in station.channels
        case Acquire(device=device, exposure_s=exposure_s, beams=beams):
            unknown = any(f"{beam}.power" not in station.channels for beam in beams)
            return device not in station.acquirers or unknown or exposure_s in given
    return False


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
