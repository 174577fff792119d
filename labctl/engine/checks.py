"""Refuse messages that cannot mean anything, before they reach the table or the record."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from labctl.core.errors import LabctlError, UsageError
from labctl.core.messages import Acquire, Message, Note, Read, Record, Set, Sleep, Wait
from labctl.core.readings import Reading
from labctl.core.spectra import Exposure


def checked(message: object, number: int) -> Message:
    """Return the message in its standard form (tuples, plain JSON).

    Raises
    ------
    UsageError
        If it is no message, or holds a number that is not finite or data that cannot be stored.
    """
    if isinstance(message, Record):
        for name, value in message.data.items():
            _check_recordable(name, value, number)
        return message
    if isinstance(message, Acquire):
        return _check_acquire(message, number)
    if isinstance(message, Set):
        if isinstance(message.value, float) and not math.isfinite(message.value):
            raise UsageError(f"point {number}: Set({message.channel!r}, {message.value})")
        return message
    if isinstance(message, Sleep):
        if not 0 <= message.duration_s < math.inf:
            raise UsageError(f"point {number}: cannot sleep for {message.duration_s} s")
        return message
    if isinstance(message, Note):
        return replace(message, data=_plain(message.data, number))
    if isinstance(message, (Read, Wait)):
        return message
    raise UsageError(
        f"point {number}: the plan yielded {type(message).__name__}, which is no message",
        remedy="yield Set, Wait, Read, Acquire, Record, Sleep or Note",
    )


def _check_acquire(message: Acquire, number: int) -> Acquire:
    if not 0 <= message.exposure_s < math.inf or message.accumulations < 1:
        raise UsageError(
            f"point {number}: cannot expose {message.accumulations} × {message.exposure_s} s",
            remedy="ask for a finite exposure and at least one accumulation",
        )
    return message if type(message.beams) is tuple else replace(message, beams=tuple(message.beams))


def _check_recordable(name: object, value: object, number: int) -> None:
    where = f"point {number}: Record {name!r}"
    if not isinstance(name, str):
        raise UsageError(f"{where}: names must be text")
    if value is None or isinstance(value, (str, bool, int, Reading, Exposure, np.bool_)):
        return
    if isinstance(value, (float, np.floating, np.integer)):
        if not math.isfinite(value):
            raise UsageError(
                f"{where}: {value} is no value", remedy="record an invalid Reading with a reason"
            )
        return
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcUS":
        return
    raise UsageError(
        f"{where}: cannot store {_describe(value)}",
        remedy="record a Reading, a Spectrum, a Frame, an array of numbers, a number or text",
    )


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return f"a {type(value).__name__}"


def _plain(data: Mapping[str, Any], number: int) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(data), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"point {number}: the data of a Note must be plain JSON: {error}"
        ) from error
    return plain


def plan_error(error: Exception, procedure: str, number: int) -> LabctlError:
    """Return an error of the plan as one that names the procedure and the point."""
    if isinstance(error, LabctlError):
        return error
    return LabctlError(
        f"procedure {procedure!r} failed at point {number}: {type(error).__name__}: {error}",
        remedy="this is a mistake in the procedure, not at the table",
    )
