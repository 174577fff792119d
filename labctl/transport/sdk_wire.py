"""Frame the messages between an SDK's server and its clients: JSON and raw arrays, nothing else.

A message is a prefix of 12 bytes (`LSDK`, header length, payload length, big-endian), a header
of JSON, and the payload. Where a value of the header is an array, it says dtype, shape and
offset into the payload. Nothing that is received can become code.
"""

import json
import math
import socket
import struct
from typing import Any

import numpy as np

from labctl.core.errors import BadReply, ConnectionFailed

PROTOCOL = 1
MAX_HEADER = 64 * 1024
MAX_PAYLOAD = 128 * 1024 * 1024
_MAGIC = b"LSDK"
_PREFIX = struct.Struct(">4sII")
_DTYPES = frozenset({"<u2", "<i4", "|u1", "<f4", "<f8"})


def encode(header: dict[str, Any]) -> bytes:
    """Return the bytes of a message.

    Parameters
    ----------
    header
        Strings, finite numbers, booleans, None, lists or tuples and mappings of these, and
        arrays of uint8, uint16, int32, float32 or float64.

    Raises
    ------
    TypeError, ValueError
        If it holds anything else or is too long.
    """
    arrays: list[bytes] = []

    def array_header(value: object) -> dict[str, Any]:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{type(value).__name__} cannot be sent")
        plain = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        if plain.dtype.str not in _DTYPES:
            raise TypeError(f"arrays of {value.dtype} cannot be sent")
        offset = sum(map(len, arrays))
        arrays.append(plain.tobytes())
        return {"dtype": plain.dtype.str, "shape": list(value.shape), "array_offset": offset}

    text = json.dumps(header, default=array_header, allow_nan=False).encode()
    payload = b"".join(arrays)
    if len(text) > MAX_HEADER or len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a message of {len(text)} + {len(payload)} bytes is too long")
    return _PREFIX.pack(_MAGIC, len(text), len(payload)) + text + payload


def decode(text: bytes, payload: bytes) -> dict[str, Any]:
    """Return the header of a message with its arrays in place.

    Raises
    ------
    BadReply
        If the bytes are no message of this protocol.
    """

    def restore(found: dict[str, Any]) -> Any:
        return _array(found, payload) if "array_offset" in found else found

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        header = json.loads(text, object_hook=restore, parse_constant=refuse)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _bad(f"its header cannot be read: {error}") from error
    if not isinstance(header, dict):
        raise _bad("its header is no object")
    return header


def receive(connection: socket.socket, who: str) -> dict[str, Any]:
    """Read one message; the socket's timeout applies to each piece.

    Raises
    ------
    TimeoutError
        If it does not come in time.
    ConnectionFailed
        If the line drops.
    BadReply
        If the bytes are no message of this protocol.
    """
    magic, header_length, payload_length = _PREFIX.unpack(_exactly(connection, _PREFIX.size, who))
    if magic != _MAGIC:
        raise _bad(f"it begins with {magic!r}")
    if header_length > MAX_HEADER or payload_length > MAX_PAYLOAD:
        raise _bad(f"it claims {header_length} + {payload_length} bytes")
    text = _exactly(connection, header_length, who)
    return decode(text, _exactly(connection, payload_length, who))


def _exactly(connection: socket.socket, length: int, who: str) -> bytes:
    buffer = bytearray(length)
    view = memoryview(buffer)
    while view:
        count = connection.recv_into(view)
        if count == 0:
            raise ConnectionFailed(f"{who}: the line dropped", remedy="start it again, reconnect")
        view = view[count:]
    return bytes(buffer)


def _array(found: dict[str, Any], payload: bytes) -> np.ndarray:
    dtype, shape, offset = found["dtype"], found["shape"], found["array_offset"]
    if dtype not in _DTYPES:
        raise ValueError(f"dtype {dtype!r} is not allowed")
    if not all(type(n) is int and n >= 0 for n in [*shape, offset]):
        raise ValueError(f"shape {shape} at {offset} is impossible")
    count = math.prod(shape)
    if offset + count * np.dtype(dtype).itemsize > len(payload):
        raise ValueError(f"shape {shape} at {offset} is longer than the payload")
    return np.frombuffer(payload, dtype, count, offset).reshape(shape).copy()


def _bad(what: str) -> BadReply:
    return BadReply(
        f"a message is not of labctl's SDK protocol: {what}",
        remedy="check that the port belongs to a labctl SDK server of the same version",
    )
