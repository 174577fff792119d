"""Run one acquisition of SDK2 and fetch its frames as they come.

Source: Andor SDK guide, section 9 "Retrieving image data": the SDK keeps frames in a circular
buffer of 48 MB, so that long series have to be fetched while they run.
"""

import contextlib
import threading
from collections.abc import Callable

import numpy as np

from drivers.andor.sdk2_calls import Calls
from drivers.andor.sdk2_codes import ACQUIRING, NO_NEW_DATA, SUCCESS, explain
from labctl.core.clock import Clock
from labctl.core.errors import BadReply, InstrumentError, NoReply

_SLICE_S = 1.0
_POLL_S = 0.01
_BATCH_PIXELS = 4_000_000


class Series:
    """Acquire frames until all are there, somebody aborts, or the deadline passes."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._abort_requested = False
        self._start_lock = threading.Lock()

    def arm(self) -> None:
        """Forget earlier aborts."""
        self._abort_requested = False

    def abort(self) -> int:
        """Stop what is under way; returns the code of AbortAcquisition."""
        # without the lock an abort could fall between the check and the start
        with self._start_lock:
            self._abort_requested = True
            code = self._calls.sdk.abort_acquisition()
        self._calls.sdk.cancel_wait()
        return code

    def run(
        self,
        count: int,
        shape: tuple[int, int],
        duration_s: float,
        *,
        wide: bool,
        seen: Callable[[np.ndarray], None] | None = None,
    ) -> np.ndarray:
        """Start, wait and fetch.

        Parameters
        ----------
        count
            Number of frames that the camera has been told to take.
        shape
            Of one frame: (bands or rows, columns).
        duration_s
            Deadline after the start, in seconds.
        wide
            Whether counts need 32 bits.
        seen
            Called with frames, shape (n, *shape), as soon as they were fetched; what it raises
            ends the acquisition.

        Returns
        -------
        Counts, shape (count, *shape), uint16 or int32.

        Raises
        ------
        NoReply
            If the deadline passes or the camera stops early; the acquisition is aborted then.
        BadReply
            If frames were lost or have another size than asked.
        InstrumentError
            If the exposure was aborted, or the SDK answers with an error.
        """
        frames = np.empty((count, *shape), np.int32 if wide else np.uint16)
        self._start()
        deadline_s = self._clock.monotonic_s() + duration_s
        try:
            self._collect(frames, deadline_s, seen)
        except BaseException:
            # the first error says more than that the abort failed too
            with contextlib.suppress(InstrumentError):
                self._calls.sdk.abort_acquisition()
            raise
        return frames

    def _start(self) -> None:
        with self._start_lock:
            self._check_abort()
            self._calls.do(self._calls.sdk.start_acquisition)

    def _collect(
        self,
        frames: np.ndarray,
        deadline_s: float,
        seen: Callable[[np.ndarray], None] | None,
    ) -> None:
        received = self._fetch(frames, 0)
        while received < len(frames):
            self._check_abort()
            before_s = self._clock.monotonic_s()
            if not before_s < deadline_s:
                raise self._late(received, len(frames))
            self._wait(min(_SLICE_S, deadline_s - before_s))
            fetched = self._fetch(frames, received)
            if not fetched and self._clock.monotonic_s() - before_s < _POLL_S:
                # the SDK may return at once; the deadline must come nearer all the same
                self._check_abort()
                fetched = self._check_running(frames, received)
                self._clock.sleep(_POLL_S)
            if seen is not None and fetched:
                seen(frames[received : received + fetched])
            received += fetched

    def _wait(self, duration_s: float) -> None:
        timeout_ms = max(1, round(duration_s * 1e3))
        code = self._calls.sdk.wait_for_acquisition_time_out(timeout_ms)
        if code not in (SUCCESS, NO_NEW_DATA):
            raise self._calls.error("wait_for_acquisition_time_out", (timeout_ms,), code)

    def _check_running(self, frames: np.ndarray, received: int) -> int:
        """Return how many frames came at last; raise if the camera has stopped without them."""
        (state,) = self._calls.ask(self._calls.sdk.get_status)
        fetched = self._fetch(frames, received)
        if fetched or state == ACQUIRING:
            return fetched
        self._check_abort()
        meaning = explain(state)
        error = meaning.error if issubclass(meaning.error, BadReply) else NoReply
        raise error(
            f"{self._calls.name}: the camera stopped after {received} of {len(frames)} frames; "
            f"its status is {state} {meaning.name}",
            remedy="repeat the exposure; if it comes again, reconnect the camera",
        )

    def _fetch(self, frames: np.ndarray, received: int) -> int:
        calls, sdk = self._calls, self._calls.sdk
        code, first, last = sdk.get_number_new_images()
        if code == NO_NEW_DATA:
            return 0
        if code != SUCCESS:
            raise calls.error("get_number_new_images", (), code)
        if first != received + 1 or not first <= last <= len(frames):
            raise BadReply(
                f"{calls.name}: frame {received + 1} of {len(frames)} was due and "
                f"frames {first} to {last} are there",
                remedy="repeat the measurement; take fewer accumulations at a time",
            )
        pixels = frames[0].size
        last = min(last, first + max(1, _BATCH_PIXELS // pixels) - 1)
        size = (last - first + 1) * pixels
        get = sdk.get_images if frames.dtype == np.int32 else sdk.get_images16
        counts, valid_first, valid_last = calls.ask(get, first, last, size)
        if (
            (valid_first, valid_last) != (first, last)
            or counts.shape != (size,)
            or counts.dtype != frames.dtype
        ):
            raise BadReply(
                f"{calls.name}: frames {first} to {last} ({size} {frames.dtype} pixels in all) "
                f"were asked; frames {valid_first} to {valid_last} ({counts.size} {counts.dtype}) "
                "came",
                remedy="repeat the measurement; if it comes again, reconnect the camera",
            )
        frames[received:last] = counts.reshape(-1, *frames.shape[1:])
        return int(last) - received

    def _check_abort(self) -> None:
        if self._abort_requested:
            raise InstrumentError(
                f"{self._calls.name}: the exposure was aborted",
                remedy="repeat the exposure when it is wanted again",
            )

    def _late(self, received: int, count: int) -> NoReply:
        return NoReply(
            f"{self._calls.name}: {received} of {count} frames came before the deadline",
            remedy="check trigger and cable of the camera; if it comes again, restart it",
        )
