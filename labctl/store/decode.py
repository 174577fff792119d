"""Turn header and payload back into the objects that were stored."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from labctl.core.journal import Exchange, RunStart
from labctl.core.messages import Acquire, Message, Note, Read, Set, Sleep, Wait
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Detector, Exposure, Frame, Spectrum
from labctl.store.shared import SharedReader

_MESSAGES: Mapping[str, Callable[..., Message]] = {
    "Set": Set,
    "Wait": Wait,
    "Read": Read,
    "Sleep": Sleep,
    "Note": Note,
}

ReadFrame = Callable[[int], bytes]
"""Return the bytes of the large array with this ordinal."""


class Decoder:
    """Decode one point; arrays come back read-only."""

    def __init__(
        self, header: bytes, payload: bytes, read_frame: ReadFrame, shared: SharedReader
    ) -> None:
        self.content: dict[str, Any] = json.loads(header)
        self._payload = payload
        self._read_frame = read_frame
        self._shared = shared
        self._objects = [self._object(fields) for fields in self.content["values"]]

    def data(self) -> dict[str, Any]:
        """Return the recorded data by name."""
        return {name: self._value(value) for name, value in self.content["data"].items()}

    def exchanges(self) -> tuple[Exchange, ...]:
        """Return messages and answers since the point before."""
        return tuple(
            Exchange(_message(name, fields), None if index is None else self._objects[index])
            for name, fields, index in self.content["exchanges"]
        )

    def _value(self, value: Any) -> Any:
        return self._objects[value["$"]] if isinstance(value, dict) else value

    def _object(self, fields: list[Any]) -> Any:
        kind, *rest = fields
        if kind == "reading":
            return reading_from(rest)
        if kind == "array":
            return self._array(*rest[0])
        return self._exposure(Frame if kind == "frame" else Spectrum, rest)

    def _exposure(self, kind: type[Exposure], fields: list[Any]) -> Exposure:
        array, axis, context, utc, monotonic_s = fields
        meta = self._shared.context(context)
        return kind(
            counts=self._array(*array),
            wavelength_nm=self._shared.axis(axis),
            utc=datetime.fromisoformat(utc),
            monotonic_s=monotonic_s,
            exposure_s=meta["exposure_s"],
            beams=tuple(meta["beams"]),
            laser_nm=meta["laser_nm"],
            detector=Detector(*meta["detector"]),
            medium=meta["medium"],
            quality=Quality(meta["quality"]),
            reason=meta["reason"],
            calibrations=dict(meta["calibrations"]),
            settings=dict(meta["settings"]),
        )

    def _array(self, dtype: str, shape: list[int], place: str, where: int) -> np.ndarray:
        if place == "frames":
            return np.ndarray(tuple(shape), np.dtype(dtype), buffer=self._read_frame(where))
        return np.ndarray(tuple(shape), np.dtype(dtype), buffer=self._payload, offset=where)


def _message(name: str, fields: list[Any]) -> Message:
    if name == "Acquire":
        device, exposure_s, accumulations, beams, mode = fields
        return Acquire(device, exposure_s, accumulations, tuple(beams), mode)
    return _MESSAGES[name](*fields)


def reading_from(fields: list[Any]) -> Reading:
    """Return the reading that was stored as plain JSON."""
    value, unit, utc, monotonic_s, *rest = fields
    quality, reason = rest or (Quality.GOOD, "")
    return Reading(value, unit, datetime.fromisoformat(utc), monotonic_s, Quality(quality), reason)


def start_from(text: str) -> RunStart:
    """Return the start of an attempt that was stored as JSON."""
    content = json.loads(text)
    content["snapshot"] = readings_from(content["snapshot"])
    return RunStart(**content)


def readings_from(content: Mapping[str, list[Any]]) -> dict[str, Reading]:
    """Return a snapshot that was stored as JSON."""
    return {name: reading_from(fields) for name, fields in content.items()}
