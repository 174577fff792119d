"""Work the internal shutter of an Andor camera.

Source: Andor SDK guide, section 7 "Shutter control". SDK2 cannot read the blade back: that the
camera accepted the command is all that confirms it.
"""

import contextlib
from collections.abc import Iterator

from drivers.andor.head import Head
from drivers.andor.readout import Readout
from drivers.andor.sdk2_api import ReadMode, ShutterMode
from drivers.andor.sdk2_calls import Calls
from drivers.andor.sdk2_codes import IDLE
from labctl.core.clock import Clock
from labctl.core.errors import NoReply

_TTL_HIGH_OPENS = 1
_IDLE_TIMEOUT_S = 5.0
_IDLE_POLL_S = 0.05


class InternalShutter:
    """Open for exposures and close after them; a camera without a shutter ignores all of it."""

    def __init__(self, calls: Calls, head: Head, clock: Clock) -> None:
        self._calls = calls
        self._head = head
        self._clock = clock

    @contextlib.contextmanager
    def exposing(self, readout: Readout, *, is_dark: bool) -> Iterator[None]:
        """Hold the shutter as an exposure needs it, and close it in the end."""
        try:
            self._command(_mode(readout, is_dark=is_dark))
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Close, as soon as the camera is idle.

        Raises
        ------
        NoReply
            If the camera stays busy.
        InstrumentError
            If it refuses to close.
        """
        deadline_s = self._clock.monotonic_s() + _IDLE_TIMEOUT_S
        # the SDK takes no settings while it acquires, and an abort may take a moment
        while (state := self._calls.ask(self._calls.sdk.get_status)[0]) != IDLE:
            if not self._clock.monotonic_s() < deadline_s:
                raise NoReply(
                    f"{self._calls.name}: still busy (status {state}) after "
                    f"{_IDLE_TIMEOUT_S:g} s, so that its shutter cannot be closed",
                    remedy="close the shutters of the beams, then switch the camera off and on",
                )
            self._clock.sleep(_IDLE_POLL_S)
        self._command(ShutterMode.CLOSED)

    def _command(self, mode: ShutterMode) -> None:
        head = self._head
        if not head.has_shutter:
            return
        self._calls.do(
            self._calls.sdk.set_shutter,
            _TTL_HIGH_OPENS,
            int(mode),
            head.closing_ms,
            head.opening_ms,
        )
        # only in auto mode does the SDK itself wait for the blade
        transfer_ms = {ShutterMode.OPEN: head.opening_ms, ShutterMode.CLOSED: head.closing_ms}
        self._clock.sleep(transfer_ms.get(mode, 0) / 1e3)


def _mode(readout: Readout, *, is_dark: bool) -> ShutterMode:
    if is_dark:
        return ShutterMode.CLOSED
    # with full vertical binning the SDK gives no shutter pulse
    is_fvb = readout.mode is ReadMode.FULL_VERTICAL_BINNING
    return ShutterMode.OPEN if is_fvb else ShutterMode.AUTO
