"""Follow the exposures of a table as arrays: the newest, as fast as one can look."""

import http.client
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

import numpy as np

from labctl.client.connection import Connection
from labctl.client.stream import Stream
from labctl.core.errors import ConnectionFailed
from labctl.core.readings import Quality

LONGEST_HEADER = 64 * 1024
LONGEST_PAYLOAD = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_DTYPES: Mapping[str, str] = {"<f4": "<f4", "<u2": "<u2"}


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """Hold one exposure for display; the record is in the run, if it was `saved`.

    `counts` is the mean of the accumulations of a spectrum, float32 of shape (pixels,), or the
    last image, of shape (rows, pixels). `wavelength_nm` has shape (pixels,). `metadata` holds
    exposure_s, beams, laser_nm, detector, calibrations and settings.
    """

    kind: Literal["spectrum", "image"]
    counts: np.ndarray
    wavelength_nm: np.ndarray
    utc: str
    quality: Quality
    reason: str
    run: str = ""
    point: int | None = None
    saved: bool = False
    seq: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)


class FrameStream(Stream):
    """Iterate over exposures, for ever; `close` ends it, from any thread.

    The newest exposure comes first. Whoever is slow misses exposures and gets no old ones. A lost
    connection is made again; the event stream tells of it.

    Parameters
    ----------
    connection
        To the service.
    most_per_s
        Exposures per second that are wanted at most.
    """

    def __init__(self, connection: Connection, most_per_s: float = 30.0) -> None:
        super().__init__(connection)
        self._most_per_s = most_per_s
        self._seen: tuple[str, int] | None = None

    def __iter__(self) -> Iterator[LiveFrame]:
        """Yield exposures; a refused token raises."""
        for part in self._follow(self._listen):
            if isinstance(part, LiveFrame) and (part.utc, part.seq) != self._seen:
                self._seen = (part.utc, part.seq)
                yield part

    def _listen(self) -> Iterator[LiveFrame | None]:
        return self._receive("/frames", {"most_per_s": self._most_per_s}, parse_frames)


def parse_frames(stream: BinaryIO | http.client.HTTPResponse) -> Iterator[LiveFrame | None]:
    """Yield the frames of a stream until its end, None for a sign of life.

    Raises
    ------
    ConnectionFailed
        If the stream holds something else.
    """
    while len(prefix := stream.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(prefix)
        if length > LONGEST_HEADER:
            raise ConnectionFailed(f"the service sent a header of {length} bytes")
        text = stream.read(length)
        if len(text) < length:
            return
        try:
            header = json.loads(text)
            size = header["bytes"]
            if type(size) is not int or not 0 <= size <= LONGEST_PAYLOAD:
                raise ValueError(f"a payload of {size!r} bytes")
            payload = stream.read(size)
            if len(payload) < size:
                return
            yield _frame(header, payload)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise ConnectionFailed(f"the service sent a frame that is none: {error}") from error


def _frame(header: Mapping[str, Any], payload: bytes) -> LiveFrame | None:
    if header["kind"] == "beat":
        return None
    shape = tuple(int(part) for part in header["shape"])
    metadata = dict(header["metadata"])
    pixels = shape[-1]
    counts = np.frombuffer(payload, _DTYPES[header["dtype"]], offset=4 * pixels)
    return LiveFrame(
        kind="image" if header["kind"] == "image" else "spectrum",
        counts=counts.reshape(shape),
        wavelength_nm=np.frombuffer(payload, "<f4", pixels),
        utc=str(header["utc"]),
        quality=Quality(metadata["quality"]),
        reason=str(metadata["reason"]),
        run=str(header["run"]),
        point=header["point"],
        saved=bool(header["saved"]),
        seq=int(header["seq"]),
        metadata=metadata,
    )
