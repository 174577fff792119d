"""Hold the newest exposure as bytes that pass between processes and to browsers."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from labctl.core.errors import BadReply
from labctl.core.spectra import Exposure, Spectrum, exposure_metadata

MOST_VALUES = 4_000_000


@dataclass(frozen=True, slots=True)
class LiveSpectrum:
    """Hold one exposure for display: never a record.

    `counts` is little-endian float32 for a spectrum (mean of the accumulations, shape (pixels,))
    and uint16 or float32 for an image (the last accumulation, shape (rows, pixels)), as `dtype`
    and `shape` say. `wavelength_nm` is float32, shape (pixels,). `saved` tells whether it went
    into a run; `metadata` is `core.spectra.exposure_metadata`.
    """

    kind: Literal["spectrum", "image"]
    dtype: Literal["<f4", "<u2"]
    shape: tuple[int, ...]
    counts: bytes
    wavelength_nm: bytes
    utc: str
    run: str = ""
    point: int | None = None
    saved: bool = False
    seq: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def array(self) -> np.ndarray:
        """Return the counts as an array of `shape`."""
        return np.frombuffer(self.counts, self.dtype).reshape(self.shape)

    def axis_nm(self) -> np.ndarray:
        """Return the wavelengths in nm, shape (pixels,)."""
        return np.frombuffer(self.wavelength_nm, "<f4")


def exposure_fields(exposure: Exposure, run: str, point: int | None, saved: bool) -> dict[str, Any]:
    """Return an exposure as plain JSON, arrays in base64."""
    is_spectrum = isinstance(exposure, Spectrum)
    if is_spectrum:
        shown = exposure.counts.mean(axis=0, dtype=np.float64).astype("<f4")
    else:
        last = exposure.counts[-1]
        shown = last.astype("<u2" if last.dtype.kind == "u" and last.itemsize <= 2 else "<f4")
    return {
        "kind": "spectrum" if is_spectrum else "image",
        "dtype": shown.dtype.str,
        "shape": list(shown.shape),
        "counts": base64.b64encode(shown.tobytes()).decode("ascii"),
        "wavelength_nm": base64.b64encode(
            np.asarray(exposure.wavelength_nm, "<f4").tobytes()
        ).decode("ascii"),
        "utc": exposure.utc.isoformat(),
        "run": run,
        "point": point,
        "saved": saved,
        "metadata": exposure_metadata(exposure),
    }


def spectrum_from(fields: Mapping[str, Any], seq: int) -> LiveSpectrum:
    """Return what `exposure_fields` made; raises `BadReply` if it is not that."""
    try:
        shape = tuple(int(part) for part in fields["shape"])
        live = LiveSpectrum(
            kind="image" if fields["kind"] == "image" else "spectrum",
            dtype="<u2" if fields["dtype"] == "<u2" else "<f4",
            shape=shape,
            counts=base64.b64decode(fields["counts"], validate=True),
            wavelength_nm=base64.b64decode(fields["wavelength_nm"], validate=True),
            utc=str(fields["utc"]),
            run=str(fields["run"]),
            point=fields["point"],
            saved=bool(fields["saved"]),
            seq=seq,
            metadata=dict(fields["metadata"]),
        )
        if np.prod(shape) > MOST_VALUES:
            raise ValueError(f"shape {shape} is too large")
        live.array()
        live.axis_nm()
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BadReply(f"the worker sent an exposure that is none: {error}") from error
    return live
