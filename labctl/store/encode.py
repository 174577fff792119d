"""Turn a point with its exchanges into a JSON header and one blob of raw bytes.

Objects are stored once per point and referred to as `{"$": index}` into `values`, so that a
spectrum that was acquired and then recorded is one spectrum. Array bytes lie in the payload, or,
if they are large, in the segment file.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from labctl.core.errors import UsageError
from labctl.core.journal import Exchange
from labctl.core.messages import Acquire, Message, Note, Read, Set, Sleep, Wait
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Exposure, Frame
from labctl.store.plain import to_json
from labctl.store.shared import SharedRow, SharedTable

LARGE_BYTES = 1 << 17
"""Arrays of this size and above go to the segment file."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Hold a point as it goes to the disk.

    `large` are the arrays for the segment file, `shared` the rows that no point had before.
    """

    header: str
    payload: bytes
    large: Sequence[np.ndarray]
    shared: Sequence[SharedRow]

    def checksum(self, number: int) -> int:
        """Return the CRC-32 of number, header and payload."""
        return checksum(number, self.header.encode(), self.payload)


def checksum(number: int, header: bytes, payload: bytes) -> int:
    """Return the CRC-32 that belongs to a point."""
    return zlib.crc32(payload, zlib.crc32(header, number & 0xFFFFFFFF))


def tail_number(attempt: int) -> int:
    """Return the number that stands for what followed the last point of an attempt."""
    return -1 - attempt


def encode(
    head: Mapping[str, Any],
    data: Mapping[str, Any],
    exchanges: Sequence[Exchange],
    shared: SharedTable,
) -> Encoded:
    """Encode recorded data and the exchanges before them.

    Raises
    ------
    UsageError
        If something cannot be stored, such as a number that is not finite.
    """
    pool = _Pool(shared)
    content = {
        **head,
        "data": {name: pool.put(value) for name, value in data.items()},
        "exchanges": [
            (message_fields(exchange.message), pool.put(exchange.answer)) for exchange in exchanges
        ],
        "values": pool.values,
    }
    header = to_json(content)
    return Encoded(header, b"".join(pool.chunks), pool.large, shared.take_new())


def message_fields(message: Message) -> tuple[Any, ...]:
    """Return a message as plain JSON: its type and its fields in order."""
    return (type(message).__name__, *_FIELDS[type(message)](message))


def reading_fields(reading: Reading) -> tuple[Any, ...]:
    """Return a reading as plain JSON; quality and reason only if it is not good."""
    fields = (reading.value, reading.unit, reading.utc.isoformat(), reading.monotonic_s)
    if reading.quality is Quality.GOOD and not reading.reason:
        return fields
    return (*fields, reading.quality.value, reading.reason)


_FIELDS: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    Set: attrgetter("channel", "value"),
    Acquire: attrgetter("device", "exposure_s", "accumulations", "beams", "mode"),
    Wait: lambda message: (message.channel,),
    Read: lambda message: (message.channel,),
    Sleep: lambda message: (message.duration_s,),
    Note: lambda message: (message.text, dict(message.data)),
}


class _Pool:
    """Collect objects and array bytes, each once."""

    def __init__(self, shared: SharedTable) -> None:
        self._shared = shared
        self._index: dict[int, dict[str, int]] = {}
        self._end = 0
        self.values: list[Any] = []
        self.chunks: list[Any] = []
        self.large: list[np.ndarray] = []

    def put(self, value: Any) -> Any:
        """Return what stands for a value in the header."""
        known = self._index.get(id(value))
        if known is None:
            if value is None or isinstance(value, (float, int, str, bool, np.generic)):
                return value
            known = self._index[id(value)] = {"$": len(self.values)}
            self.values.append(self._fields(value))
        return known

    def _fields(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, Reading):
            return ("reading", *reading_fields(value))
        if isinstance(value, Exposure):
            return (
                "frame" if isinstance(value, Frame) else "spectrum",
                self._array(value.counts),
                self._shared.axis(value.wavelength_nm),
                self._shared.context(value),
                value.utc.isoformat(),
                value.monotonic_s,
            )
        if isinstance(value, np.ndarray):
            return ("array", self._array(value))
        raise UsageError(f"a {type(value).__name__} cannot be stored")

    def _array(self, array: np.ndarray) -> tuple[Any, ...]:
        if array.dtype.kind not in "biufcUS":
            raise UsageError(f"an array of {array.dtype} cannot be stored")
        if array.nbytes >= LARGE_BYTES:
            self.large.append(np.asarray(array, order="C"))
            return (array.dtype.str, array.shape, "frames", len(self.large) - 1)
        data = array.tobytes()
        self.chunks.append(data)
        self._end += len(data)
        return (array.dtype.str, array.shape, "payload", self._end - len(data))
