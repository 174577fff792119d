"""Refuse messages that cannot mean anything, before they reach the table or the record."""

import json
import math
from collections.abc import Callable, Mapping
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
    check = _CHECKS.get(type(message))
    if check is None:
        raise UsageError(
            f"point {number}: the plan yielded {type(message).__name__}, which is no message",
            remedy="yield Set, Wait, Read, Acquire, Record, Sleep or Note",
        )
    return check(message, number)


def _check_record(message: Record, number: int) -> Record:
    for name, value in message.data.items():
        if not isinstance(name, str):
            raise UsageError(f"point {number}: Record {name!r}: names must be text")
        _check_recordable(name, value, number)
    return message


def _check_set(message: Set, number: int) -> Set:
    if isinstance(message.value, float) and not math.isfinite(message.value):
        raise UsageError(f"point {number}: cannot set {message.channel} to {message.value}")
    return message


def _check_sleep(message: Sleep, number: int) -> Sleep:
    if not 0 <= message.duration_s < math.inf:
        raise UsageError(f"point {number}: cannot sleep for {message.duration_s} s")
    return message


def _check_note(message: Note, number: int) -> Note:
    return replace(message, data=_plain(message.data, number))


def _check_nothing(message: Message, _number: int) -> Message:
    return message


def _check_acquire(message: Acquire, number: int) -> Acquire:
    if not 0 <= message.exposure_s < math.inf or message.accumulations < 1:
        raise UsageError(
            f"point {number}: cannot expose {message.accumulations} × {message.exposure_s} s",
            remedy="ask for a finite exposure and at least one accumulation",
        )
    return message if type(message.beams) is tuple else replace(message, beams=tuple(message.beams))


def _check_recordable(name: object, value: object, number: int) -> None:
    if value is None or isinstance(value, (Reading, Exposure, str, int, np.bool_)):
        return
    where = f"point {number}: Record {name!r}"
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


_CHECKS: Mapping[type, Callable[[Any, int], Message]] = {
    Set: _check_set,
    Acquire: _check_acquire,
    Record: _check_record,
    Sleep: _check_sleep,
    Note: _check_note,
    Read: _check_nothing,
    Wait: _check_nothing,
}


def plan_error(error: Exception, procedure: str, number: int) -> LabctlError:
    """Return an error of the plan as one that names the procedure and the point."""
    if isinstance(error, LabctlError):
        return error
    return LabctlError(
        f"procedure {procedure!r} failed at point {number}: {type(error).__name__}: {error}",
        remedy="this is a mistake in the procedure, not at the table",
    )
