"""Emulate Andor's SDK2 on the simulated table: the functions that run acquisitions.

Source: Andor SDK guide, sections 3 (readout modes), 4 (acquisition modes) and 9 (retrieving
data), function reference. [unverified against hardware; where the guide is silent, such as the
side on which a single track of even height is longer, the choice here is arbitrary]
"""

from collections.abc import Sequence

import numpy as np

from labctl.sim.wire.andor_head import (
    DRV_IDLE,
    DRV_P1INVALID,
    DRV_P2INVALID,
    DRV_SUCCESS,
    EXPORTS,
    AndorHead,
    exported,
)
from labctl.sim.wire.andor_series import Bands, Series

DRV_NO_NEW_DATA = 20024
DRV_P3INVALID = 20068
DRV_P4INVALID = 20069
DRV_P5INVALID = 20076
DRV_P6INVALID = 20077
DRV_INVALID_MODE = 20078
DRV_RANDOM_TRACK_ERROR = 20094

_FVB, _MULTI, _RANDOM, _SINGLE, _IMAGE = range(5)
_READ_ABILITY = {_FVB: 8, _MULTI: 16, _RANDOM: 32, _SINGLE: 4, _IMAGE: 1}
_ACQUISITION_ABILITY = {1: 1, 3: 8}
_NO_GAPS = 0x4000
_SHORTEST_EXPOSURE_S = 1e-3
_LONGEST_SLEEP_S = 0.25


class AndorSdk2(AndorHead):
    """Take frames from the chip of the simulated table, as SDK2 hands them out.

    The wait sleeps on the station's clock, so that on the virtual clock an exposure costs
    nothing. Any thread may call at any time.
    """

    buffer_bytes = 48 * 2**20
    """Size of the circular buffer; the oldest frames are lost when it is full."""

    _is_cancelled = False

    @exported(idle=True)
    def set_filter_mode(self, mode: int) -> int:
        """Accept the filter only off: this camera has none."""
        return DRV_SUCCESS if mode == 0 else DRV_P1INVALID

    @exported(idle=True)
    def set_trigger_mode(self, mode: int) -> int:
        """Accept the internal trigger."""
        return DRV_SUCCESS if mode == 0 else DRV_P1INVALID

    @exported(idle=True)
    def set_acquisition_mode(self, mode: int) -> int:
        """Accept single scan and kinetic series, as far as the camera is able."""
        if not self.capabilities["acq_modes"] & _ACQUISITION_ABILITY.get(mode, 0):
            return DRV_P1INVALID
        self.setup.acquisition_mode = mode
        return DRV_SUCCESS

    @exported(idle=True)
    def set_exposure_time(self, exposure_s: float) -> int:
        """Take the nearest allowed exposure that is not below the one asked for."""
        if not 0 <= exposure_s < float("inf"):
            return DRV_P1INVALID
        # the C interface takes a float of 32 bits
        self.setup.exposure_s = max(float(np.float32(exposure_s)), _SHORTEST_EXPOSURE_S)
        return DRV_SUCCESS

    @exported(idle=True)
    def set_number_accumulations(self, count: int) -> int:
        """Accept one scan per frame; adding scans up is not emulated."""
        return DRV_SUCCESS if count == 1 else DRV_P1INVALID

    @exported(idle=True)
    def set_number_kinetics(self, count: int) -> int:
        """Take the number of frames of a kinetic series."""
        if count < 1:
            return DRV_P1INVALID
        self.setup.kinetics = count
        return DRV_SUCCESS

    @exported(idle=True)
    def set_kinetic_cycle_time(self, cycle_s: float) -> int:
        """Take the time between frames; too short a one is stretched."""
        if not 0 <= cycle_s < float("inf"):
            return DRV_P1INVALID
        self.setup.kinetic_cycle_s = cycle_s
        return DRV_SUCCESS

    @exported(0.0, 0.0, 0.0, idle=True)
    def get_acquisition_timings(self) -> tuple[int, float, float, float]:
        """Tell exposure, accumulation cycle and kinetic cycle in s as they will be."""
        exposure_s = self.setup.exposure_s
        shortest_s = exposure_s + self.camera.readout_s(self._bands())
        return DRV_SUCCESS, exposure_s, shortest_s, max(shortest_s, self.setup.kinetic_cycle_s)

    @exported(idle=True)
    def set_read_mode(self, mode: int) -> int:
        """Choose a readout mode that the camera is able to."""
        if not self.capabilities["read_modes"] & _READ_ABILITY.get(mode, 0):
            return DRV_P1INVALID
        self.setup.read_mode = mode
        return DRV_SUCCESS

    @exported(idle=True)
    def set_image(
        self, hbin: int, vbin: int, hstart: int, hend: int, vstart: int, vend: int
    ) -> int:
        """Accept the whole chip without binning; parts of it are not emulated."""
        whole = (1, 1, 1, self.camera.columns, 1, self.camera.rows)
        asked = (hbin, vbin, hstart, hend, vstart, vend)
        invalid = (DRV_P1INVALID, DRV_P2INVALID, DRV_P3INVALID, DRV_P4INVALID, DRV_P5INVALID)
        for code, want, have in zip((*invalid, DRV_P6INVALID), whole, asked, strict=True):
            if want != have:
                return code
        self.setup.tracks[_IMAGE] = None
        return DRV_SUCCESS

    @exported(idle=True)
    def set_single_track(self, centre: int, height: int) -> int:
        """Place one track around a row, counted from 1."""
        if not 1 <= centre <= self.camera.rows:
            return DRV_P1INVALID
        first = centre - 1 - (height - 1) // 2
        if height < 1 or not 0 <= first <= first + height - 1 < self.camera.rows:
            return DRV_P2INVALID
        self.setup.tracks[_SINGLE] = ((first, first + height - 1),)
        return DRV_SUCCESS

    @exported(0, 0, idle=True)
    def set_multi_track(self, number: int, height: int, offset: int) -> tuple[int, int, int]:
        """Spread tracks evenly, moved by an offset; tell the first row and the gap."""
        if not 1 <= number <= self.camera.rows:
            return DRV_P1INVALID, 0, 0
        period = self.camera.rows // number
        if not 1 <= height <= period:
            return DRV_P2INVALID, 0, 0
        gap = period - height
        first = gap // 2 + offset
        last = first + (number - 1) * period + height - 1
        if not 0 <= first <= last < self.camera.rows:
            return DRV_P3INVALID, 0, 0
        starts = [first + i * period for i in range(number)]
        self.setup.tracks[_MULTI] = tuple((start, start + height - 1) for start in starts)
        return DRV_SUCCESS, first + 1, gap

    @exported(idle=True)
    def set_random_tracks(self, number: int, areas: Sequence[int]) -> int:
        """Place tracks by first and last row, counted from 1, ascending."""
        if not 1 <= number <= self.camera.rows // 2 or len(areas) != 2 * number:
            return DRV_P1INVALID
        bands = tuple((areas[i] - 1, areas[i + 1] - 1) for i in range(0, 2 * number, 2))
        least_gap = 1 if self.capabilities["set_functions"] & _NO_GAPS else 2
        end = -least_gap
        for first, last in bands:
            if not end + least_gap <= first <= last < self.camera.rows:
                return DRV_RANDOM_TRACK_ERROR
            end = last
        self.setup.tracks[_RANDOM] = bands
        return DRV_SUCCESS

    @exported(idle=True)
    def prepare_acquisition(self) -> int:
        """Check that the readout mode has its tracks."""
        mode = self.setup.read_mode
        return DRV_SUCCESS if mode == _FVB or mode in self.setup.tracks else DRV_INVALID_MODE

    @exported(idle=True)
    def start_acquisition(self) -> int:
        """Begin the first exposure now."""
        setup = self.setup
        if setup.read_mode != _FVB and setup.read_mode not in self.setup.tracks:
            return DRV_INVALID_MODE
        bands, is_open = self._bands(), setup.shutter_mode != 2 or not self._has_shutter
        exposure_s, readout_s = setup.exposure_s, self.camera.readout_s(bands)

        def expose(begin_s: float) -> np.ndarray:
            return self.camera.expose(exposure_s, bands, begin_s, is_open)

        self.series = Series(
            start_s=self.clock.monotonic_s(),
            count=setup.frames,
            exposure_s=exposure_s,
            readout_s=readout_s,
            cycle_s=max(exposure_s + readout_s, setup.kinetic_cycle_s),
            expose=expose,
            faults=self.faults,
            previous=self.series.frames[-1] if self.series and self.series.frames else None,
        )
        return DRV_SUCCESS

    def wait_for_acquisition_time_out(self, timeout_ms: int) -> int:
        """Sleep until a frame comes, the time is over, or another thread cancels or aborts."""
        with self.lock:
            code = self.enter("wait_for_acquisition_time_out", idle=False)
            self._is_cancelled = False
        end_s = self.clock.monotonic_s() + timeout_ms / 1e3
        while code == DRV_SUCCESS:
            with self.lock:
                is_acquiring = self.is_acquiring()
                if self.series is not None and self.series.event():
                    return DRV_SUCCESS
                now_s = self.clock.monotonic_s()
                if not is_acquiring or self._is_cancelled or now_s >= end_s:
                    return DRV_NO_NEW_DATA
                next_s = self.series.next_frame_s if self.series else end_s
            # short sleeps, because only this thread itself sees an abort
            self.clock.sleep(min(next_s - now_s, end_s - now_s, _LONGEST_SLEEP_S))
        return code

    @exported()
    def cancel_wait(self) -> int:
        """Wake the thread that waits."""
        self._is_cancelled = True
        return DRV_SUCCESS

    @exported()
    def abort_acquisition(self) -> int:
        """Stop, keeping the frames that are complete."""
        if not self.is_acquiring() or self.series is None:
            return DRV_IDLE
        self.series.stopped = not self.faults.stuck_busy
        return DRV_SUCCESS

    @exported(0, 0)
    def get_number_new_images(self) -> tuple[int, int, int]:
        """Tell the first and last frame not yet fetched and still in the circular buffer."""
        self.is_acquiring()
        series = self.series
        if series is None or series.fetched >= len(series.frames):
            return DRV_NO_NEW_DATA, 0, 0
        held = max(1, self.buffer_bytes // series.frames[0].nbytes)
        first = max(series.fetched, len(series.frames) - held) + 1
        return DRV_SUCCESS, first, len(series.frames)

    @exported(np.zeros(0, np.uint16), 0, 0)
    def get_images16(self, first: int, last: int, size: int) -> tuple[int, np.ndarray, int, int]:
        """Hand out frames of 16 bits."""
        nothing = np.zeros(0, np.uint16)
        series = self.series
        if series is None or not series.frames:
            return DRV_NO_NEW_DATA, nothing, 0, 0
        if not 1 <= first <= last <= len(series.frames):
            return DRV_P1INVALID if first < 1 else DRV_P2INVALID, nothing, 0, 0
        counts = np.concatenate(series.frames[first - 1 : last])
        if size != counts.size:
            return DRV_P4INVALID, nothing, 0, 0
        series.fetched = max(series.fetched, last)
        return DRV_SUCCESS, counts[:-1] if self.faults.short_frames else counts, first, last

    @exported(np.zeros(0, np.int32), 0, 0)
    def get_images(self, first: int, last: int, size: int) -> tuple[int, np.ndarray, int, int]:
        """Hand out the same frames with 32 bits."""
        code, counts, valid_first, valid_last = self.get_images16(first, last, size)
        return code, counts.astype(np.int32), valid_first, valid_last

    @property
    def _has_shutter(self) -> bool:
        return bool(self.capabilities["features"] & 0x8)

    def _bands(self) -> Bands | None:
        if self.setup.read_mode == _FVB:
            return ((0, self.camera.rows - 1),)
        return self.setup.tracks.get(self.setup.read_mode)

    # stands last, because each decorated function adds itself
    exports = frozenset(EXPORTS)
    """Names of the SDK's functions: what a server of this object may let its clients call."""
