"""Expose and read out: put together what one acquisition of an Andor camera takes.

Source: Andor SDK guide, sections 3 readout, 4 acquisition, 7 shutter.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from drivers.andor.frames import check_frames
from drivers.andor.head import Head
from drivers.andor.readout import Readout, apply_readout, plan_readout
from drivers.andor.sdk2_calls import Calls
from drivers.andor.sdk2_codes import IDLE, SUCCESS
from drivers.andor.series import Series
from drivers.andor.shutter import InternalShutter
from drivers.andor.timing import ACCUMULATIONS, EXPOSURES_S, program
from labctl.core.clock import Clock
from labctl.core.errors import CommandRefused

Bands = Sequence[tuple[int, int]] | None
"""First and last row of each band that is binned to one spectrum; None is the whole image."""


class Exposer:
    """Make one acquisition at a time, check its frames, and remember how long a readout took.

    Parameters
    ----------
    calls
        The initialised camera.
    head, shutter
        What the camera is, and what lets light onto its chip.
    clock
        Measures deadlines.
    saturation_counts
        Counts of a saturated pixel: only such pixels may repeat from frame to frame.
    pixel_rate_hz
        Pixels read per second, for estimates before the first readout.
    margin_s
        How long after the expected end of a readout the camera counts as hung, in s.
    """

    def __init__(
        self,
        calls: Calls,
        head: Head,
        shutter: InternalShutter,
        clock: Clock,
        *,
        saturation_counts: float,
        pixel_rate_hz: float,
        margin_s: float,
    ) -> None:
        self._calls, self._head, self._shutter = calls, head, shutter
        self._saturation_counts = saturation_counts
        self._pixel_rate_hz = pixel_rate_hz
        self._margin_s = margin_s
        self._series = Series(calls, clock)
        self._exposing = threading.Lock()
        self._previous: np.ndarray | None = None
        self._readouts_s: dict[Readout, float] = {}

    def expose(
        self,
        exposure_s: float,
        accumulations: int,
        rows: Bands,
        *,
        is_dark: bool,
        seen: Callable[[np.ndarray], None] | None = None,
    ) -> np.ndarray:
        """Return raw counts, shape (accumulations, bands or rows, columns).

        With `seen`, each exposure is checked and shown as it comes, shape (1, …); what `seen`
        raises ends the exposures.

        Raises
        ------
        LimitError
            If the request is out of range.
        CommandRefused
            If an exposure is in progress, or the camera cannot read these bands or expose for
            this time.
        InstrumentError
            If the camera hangs, loses frames, gives frames that cannot be real, or was aborted.
        """
        calls = self._calls
        EXPOSURES_S.check(exposure_s, f"{calls.name} exposure")
        ACCUMULATIONS.check(accumulations, f"{calls.name} accumulations")
        readout = plan_readout(rows, self._head.chip, calls.name)
        batch = accumulations if self._head.has_kinetics else 1
        shown = None if seen is None else self._checked(seen)
        with self._busy(), self._shutter.exposing(readout, is_dark=is_dark):
            parts = [
                self._run(readout, exposure_s, batch, shown) for _ in range(0, accumulations, batch)
            ]
        frames = np.concatenate(parts) if len(parts) > 1 else parts[0]
        if seen is None:
            check_frames(frames, self._previous, self._saturation_counts, calls.name)
        self._previous = frames[-1].copy()
        return frames

    def readout_s(self, rows: Bands) -> float:
        """Return the time of one readout in s: measured, or estimated from the lines to be read."""
        readout = plan_readout(rows, self._head.chip, self._calls.name)
        lines, columns = self._head.chip.frame_shape(readout)
        return self._readouts_s.get(readout, lines * columns / self._pixel_rate_hz)

    def abort(self) -> None:
        """Stop an exposure in progress, from any thread; idle cameras accept it."""
        code = self._series.abort()
        if code not in (SUCCESS, IDLE):
            raise self._calls.error("abort_acquisition", (), code)

    def _checked(self, seen: Callable[[np.ndarray], None]) -> Callable[[np.ndarray], None]:
        """Return what shows frames one by one, after they were checked."""

        def show(frames: np.ndarray) -> None:
            check_frames(frames, self._previous, self._saturation_counts, self._calls.name)
            self._previous = frames[-1].copy()
            for number in range(len(frames)):
                seen(frames[number : number + 1].copy())

        return show

    def _run(
        self,
        readout: Readout,
        exposure_s: float,
        count: int,
        seen: Callable[[np.ndarray], None] | None,
    ) -> np.ndarray:
        calls, chip = self._calls, self._head.chip
        apply_readout(calls, readout, chip)
        timing = program(calls, exposure_s, count)
        self._readouts_s[readout] = timing.readout_s
        calls.do(calls.sdk.prepare_acquisition)
        readout_s = max(timing.readout_s, self.readout_s(readout.bands))
        return self._series.run(
            count,
            chip.frame_shape(readout),
            count * (timing.exposure_s + readout_s) + self._margin_s,
            wide=self._head.bits > 16,
            seen=seen,
        )

    @contextlib.contextmanager
    def _busy(self) -> Iterator[None]:
        if not self._exposing.acquire(blocking=False):
            raise CommandRefused(
                f"{self._calls.name}: an exposure is in progress",
                remedy="wait until it ends, or abort it",
            )
        try:
            self._series.arm()
            yield
        finally:
            self._exposing.release()
