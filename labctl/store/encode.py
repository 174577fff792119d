"""Turn a point with its exchanges into a JSON header and one blob of raw bytes.

Objects are stored once per point in `values` and referred to by their index, so that a spectrum
that was acquired and then recorded is one spectrum: in `exchanges` by the bare index, in `data`,
beside plain values, as `{"$": index}`. Array bytes lie in the payload, or, if they are large, in
the segment file.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from zlib_ng.zlib_ng import crc32

from labctl.core.errors import UsageError
from labctl.core.journal import Exchange
from labctl.core.messages import Acquire, Note, Read, Set, Sleep, Wait
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Exposure, Frame
from labctl.store.plain import to_json_fast
from labctl.store.shared import SharedRow, SharedTable

LARGE_BYTES = 1 << 17
"""Arrays of this size and above go to the segment file."""


class Encoded(NamedTuple):
    """Hold a point as it goes to the disk.

    `large` are the arrays for the segment file, `shared` the rows that no point had before.
    """

    header: bytes
    payload: bytes
    large: Sequence[np.ndarray]
    shared: Sequence[SharedRow]

    @property
    def size(self) -> int:
        """Return how many bytes it takes on the disk, about."""
        size = len(self.header) + len(self.payload)
        return size + sum(array.nbytes for array in self.large) if self.large else size

    def checksum(self, number: int) -> int:
        """Return the CRC-32 of number, header and payload."""
        return checksum(number, self.header, self.payload)


def checksum(number: int, header: bytes, payload: bytes) -> int:
    """Return the CRC-32 that belongs to a point."""
    return crc32(payload, crc32(header, number & 0xFFFFFFFF))


def tail_number(attempt: int) -> int:
    """Return the number that stands for what followed the last point of an attempt."""
    return -1 - attempt


def encode(
    head: dict[str, Any],
    data: Mapping[str, Any],
    exchanges: Sequence[Exchange],
    shared: SharedTable,
) -> Encoded:
    """Encode recorded data and the exchanges before them, with `head` in front.

    Raises
    ------
    UsageError
        If something cannot be stored, such as a number that is not finite.
    """
    pool = _Pool(shared)
    refer = pool.refer
    head["data"] = recorded = {}
    for name, value in data.items():
        plain = value is None or isinstance(value, _PLAIN)
        recorded[name] = value if plain else {"$": refer(value)}
    head["exchanges"] = told = []
    for message, answer in exchanges:
        kind = type(message)
        answered = None if answer is None else refer(answer)
        told.append((kind.__name__, _FIELDS[kind](message), answered))
    head["values"] = pool.values
    payload = b"".join(pool.chunks)
    return Encoded(to_json_fast(head), payload, pool.large, shared.take_new())


def reading_fields(reading: Reading) -> tuple[Any, ...]:
    """Return a reading as plain JSON; quality and reason only if it is not good."""
    fields = (reading.value, reading.unit, reading.utc, reading.monotonic_s)
    if reading.quality is Quality.GOOD and not reading.reason:
        return fields
    return (*fields, reading.quality.value, reading.reason)


_PLAIN = (float, int, str, np.generic)

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

    __slots__ = ("_end", "_index", "_shared", "chunks", "large", "values")

    def __init__(self, shared: SharedTable) -> None:
        self._shared = shared
        self._index: dict[int, int] = {}
        self._end = 0
        self.values: list[Any] = []
        self.chunks: list[bytes] = []
        self.large: list[np.ndarray] = []

    def refer(self, value: Any) -> int:
        """Return the index of an object in `values`."""
        known = self._index.get(id(value))
        if known is None:
            known = self._index[id(value)] = len(self.values)
            self.values.append(self._fields(value))
        return known

    def _fields(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, Reading):
            return ("reading", *reading_fields(value))
        if isinstance(value, Exposure):
            return (
                "frame" if isinstance(value, Frame) else "spectrum",
                self._array(value.counts),
                *self._shared.numbers(value),
                value.utc,
                value.monotonic_s,
            )
        if isinstance(value, np.ndarray):
            return ("array", self._array(value))
        raise UsageError(f"a {type(value).__name__} cannot be stored")

    def _array(self, array: np.ndarray) -> tuple[Any, ...]:
        name = _dtype_name(array.dtype)
        if array.nbytes >= LARGE_BYTES:
            self.large.append(np.asarray(array, order="C"))
            return (name, array.shape, "frames", len(self.large) - 1)
        data = array.tobytes()
        place = self._end
        self.chunks.append(data)
        self._end = place + len(data)
        return (name, array.shape, "payload", place)


@functools.cache
def _dtype_name(dtype: np.dtype) -> str:
    if dtype.kind not in "biufcUS":
        raise UsageError(f"an array of {dtype} cannot be stored")
    return dtype.str
