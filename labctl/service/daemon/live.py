"""Hold the newest exposure as bytes that pass between processes and to clients."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from labctl.core.errors import BadReply
from labctl.core.readings import Quality
from labctl.core.spectra import Exposure, Spectrum, exposure_metadata

MOST_VALUES = 4_000_000
_AXIS_BYTES = 4
_COUNT_BYTES: Mapping[str, int] = {"<f4": 4, "<u2": 2}


@dataclass(frozen=True, slots=True)
class LiveSpectrum:
    """Hold one exposure for display: never a record.

    `payload` is the wavelengths in nm as little-endian float32, shape (pixels,), then the
    counts: float32 for a spectrum (mean of the accumulations, shape (pixels,)) and uint16 or
    float32 for an image (the last accumulation, shape (rows, pixels)), as `dtype` and `shape`
    say. `saved` tells whether it went into a run; `metadata` is `core.spectra.exposure_metadata`,
    `quality` and `reason` included.
    """

    kind: Literal["spectrum", "image"]
    dtype: Literal["<f4", "<u2"]
    shape: tuple[int, ...]
    payload: bytes = field(repr=False)
    utc: str
    metadata: Mapping[str, Any]
    run: str = ""
    point: int | None = None
    saved: bool = False
    seq: int = 0

    def array(self) -> np.ndarray:
        """Return the counts as an array of `shape`."""
        offset = _AXIS_BYTES * self.shape[-1]
        return np.frombuffer(self.payload, self.dtype, offset=offset).reshape(self.shape)

    def axis_nm(self) -> np.ndarray:
        """Return the wavelengths in nm, shape (pixels,)."""
        return np.frombuffer(self.payload, "<f4", self.shape[-1])

    def fields(self) -> dict[str, Any]:
        """Return everything but the arrays as plain JSON."""
        return {
            "kind": self.kind,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "utc": self.utc,
            "run": self.run,
            "point": self.point,
            "saved": self.saved,
            "seq": self.seq,
            "metadata": dict(self.metadata),
        }


def exposure_message(
    exposure: Exposure, run: str, point: int | None, saved: bool
) -> tuple[dict[str, Any], bytes]:
    """Return an exposure as plain JSON and the payload of a `LiveSpectrum`."""
    is_spectrum = isinstance(exposure, Spectrum)
    if is_spectrum:
        shown = exposure.counts.mean(axis=0, dtype=np.float64).astype("<f4")
    else:
        last = exposure.counts[-1]
        shown = last.astype("<u2" if last.dtype.kind == "u" and last.itemsize <= 2 else "<f4")
    fields = {
        "kind": "spectrum" if is_spectrum else "image",
        "dtype": shown.dtype.str,
        "shape": list(shown.shape),
        "utc": exposure.utc.isoformat(),
        "run": run,
        "point": point,
        "saved": saved,
        "metadata": exposure_metadata(exposure) | {"accumulations": exposure.accumulations},
    }
    return fields, np.asarray(exposure.wavelength_nm, "<f4").tobytes() + shown.tobytes()


def spectrum_from(fields: Mapping[str, Any], payload: bytes, seq: int) -> LiveSpectrum:
    """Return what `exposure_message` made; raises `BadReply` if it is not that."""
    try:
        shape = tuple(fields["shape"])
        dtype: Literal["<f4", "<u2"] = "<u2" if fields["dtype"] == "<u2" else "<f4"
        metadata = dict(fields["metadata"])
        if not all(type(part) is int and part >= 0 for part in shape) or len(shape) not in (1, 2):
            raise ValueError(f"shape {shape} is impossible")
        if math.prod(shape) > MOST_VALUES or shape[-1] > MOST_VALUES:
            raise ValueError(f"shape {shape} is too large")
        expected = _AXIS_BYTES * shape[-1] + _COUNT_BYTES[dtype] * math.prod(shape)
        if len(payload) != expected:
            raise ValueError(f"{len(payload)} bytes for shape {shape}, which has {expected}")
        Quality(metadata["quality"])
        return LiveSpectrum(
            kind="image" if fields["kind"] == "image" else "spectrum",
            dtype=dtype,
            shape=shape,
            payload=payload,
            utc=str(fields["utc"]),
            metadata=metadata,
            run=str(fields["run"]),
            point=fields["point"],
            saved=bool(fields["saved"]),
            seq=seq,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadReply(f"the worker sent an exposure that is none: {error}") from error


class NewestExposure:
    """Hold the newest exposure only, and wake whoever waits for one.

    Every method may be called from any thread. However slow those who look at it are, there is
    one exposure in memory, and whoever makes them waits for nobody.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: LiveSpectrum | None = None
        self._watchers: set[Callable[[], None]] = set()

    @property
    def newest(self) -> LiveSpectrum | None:
        """Return the newest exposure, or None before the first."""
        return self._newest

    def show(self, exposure: LiveSpectrum) -> None:
        """Replace the newest exposure."""
        with self._lock:
            self._newest = exposure
            watchers = list(self._watchers)
        for notify in watchers:
            notify()

    @contextlib.contextmanager
    def watched(self, notify: Callable[[], None]) -> Iterator[None]:
        """Have `notify` called, quickly to return, with every new exposure, within the block."""
        with self._lock:
            self._watchers.add(notify)
        try:
            yield
        finally:
            with self._lock:
                self._watchers.discard(notify)
