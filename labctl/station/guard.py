"""Switch a beam on and off so that its state is always known, whoever else switches it off."""

from labctl.core.clock import Clock
from labctl.core.errors import InstrumentError, LabctlError, SafetyError
from labctl.core.roles import Laser, Shutter

_HARDWARE = "use the hardware switch of the laser and look at the shutter"
_WARM_UP_S = 60.0
_POLL_S = 0.5
_AT_POWER = 0.05
"""Relative deviation from the set-point at which a laser counts as warmed up."""


class BeamGuard:
    """Own the shutter and the emission of one beam.

    `make_safe` and `stop_emission` may come from another thread at any time; an operation that
    was under way then undoes its own switching and raises `SafetyError`.
    """

    def __init__(self, name: str, laser: Laser, shutter: Shutter, clock: Clock) -> None:
        self.name = name
        self.laser = laser
        self.shutter = shutter
        self._clock = clock
        self._times_made_safe = 0
        self._started_at = 0

    def start(self) -> None:
        """Begin an operation that may switch on; a later `make_safe` ends its right to do so."""
        self._started_at = self._times_made_safe

    def open(self) -> None:
        """Open the shutter.

        Raises
        ------
        InstrumentError
            If the blade does not open.
        SafetyError
            If the beam was made safe meanwhile.
        """
        self.shutter.is_open = True
        if self._started_at != self._times_made_safe:
            self.close()
            self.require_untouched()
        if not self.shutter.is_open:
            self.close()
            raise InstrumentError(
                f"{self.name}: the shutter was told to open and reads closed",
                remedy="check the shutter's interlock, key switch and cable",
            )

    def close(self) -> None:
        """Close the shutter and read the blade back.

        Raises
        ------
        SafetyError
            If that cannot be confirmed; emission has then been switched off, or the message
            says that this is not confirmed either.
        """
        problem = ""
        try:
            self.shutter.is_open = False
            if self.shutter.is_open:
                problem = "it reads open"
        # whatever went wrong, the blade is not known to be closed
        except Exception as error:  # noqa: BLE001
            problem = str(error)
        if problem:
            raise SafetyError(
                f"{self.name}: the shutter is not confirmed closed: {problem}; "
                f"{self._emission_off_in_words()}",
                remedy=_HARDWARE,
            )

    def ensure_closed(self) -> None:
        """Close the shutter unless the blade reads closed; raises as `close`."""
        try:
            is_open = self.shutter.is_open
        except LabctlError:
            is_open = True
        if is_open:
            self.close()

    def emit(self, setpoint_w: float) -> None:
        """Switch the laser on behind its closed shutter and wait for its power.

        Raises
        ------
        SafetyError
            If the interlock is open, or the beam was made safe meanwhile.
        InstrumentError
            If the laser reports a fault or does not come to power.
        """
        if fault := self.laser.fault:
            raise InstrumentError(
                f"{self.name}: the laser reports a fault: {fault}",
                remedy="clear the fault at the laser",
            )
        self.require_interlock()
        self.ensure_closed()
        if abs(self.laser.power_setpoint_w - setpoint_w) > 1e-3 * setpoint_w:
            self.laser.power_setpoint_w = setpoint_w
        if not self.laser.emission:
            self.laser.emission = True
            if self._started_at != self._times_made_safe:
                self.stop_emission()
                self.require_untouched()
        self._wait_for_power(setpoint_w)

    def require_interlock(self) -> None:
        """Raise `SafetyError` if the interlock circuit is open."""
        if not self.laser.interlock_closed:
            raise SafetyError(
                f"{self.name}: the interlock circuit of the laser is open",
                remedy="close doors and covers, then reset the interlock at the laser by hand",
            )

    def require_untouched(self) -> None:
        """Raise `SafetyError` if the beam was made safe since `start`."""
        if self._started_at != self._times_made_safe:
            raise SafetyError(
                f"{self.name}: the beam was made safe while it was being switched on",
                remedy="find out who did so and why, then start again",
            )

    def require_on(self) -> None:
        """Raise `InstrumentError` unless the shutter reads open and the laser emits."""
        if not self.shutter.is_open:
            raise InstrumentError(
                f"{self.name}: the shutter closed during the exposure",
                remedy="check the interlock and the shutter, then repeat the point",
            )
        if not self.laser.emission:
            raise InstrumentError(
                f"{self.name}: the laser stopped to emit during the exposure",
                remedy="check the interlock and the laser, then repeat the point",
            )

    def stop_emission(self) -> None:
        """Switch the laser off and read it back; raises `SafetyError` if not confirmed."""
        self._times_made_safe += 1
        words = self._emission_off_in_words()
        if words != _EMISSION_OFF:
            raise SafetyError(f"{self.name}: {words}", remedy=_HARDWARE)

    def make_safe(self) -> None:
        """Close the shutter, from any thread; raises as `close`."""
        self._times_made_safe += 1
        self.close()

    def _emission_off_in_words(self) -> str:
        try:
            self.laser.emission = False
            if not self.laser.emission:
                return _EMISSION_OFF
            reason = "it still reads on"
        # whatever went wrong, the laser is not known to be off
        except Exception as error:  # noqa: BLE001
            reason = str(error)
        return f"laser emission is NOT CONFIRMED off: {reason}"

    def _wait_for_power(self, setpoint_w: float) -> None:
        deadline_s = self._clock.monotonic_s() + _WARM_UP_S
        while True:
            power_w = self.laser.power_w
            if abs(power_w - setpoint_w) <= _AT_POWER * setpoint_w:
                return
            if self._clock.monotonic_s() >= deadline_s:
                raise InstrumentError(
                    f"{self.name}: the laser was set to {setpoint_w:g} W and still gives "
                    f"{power_w:g} W after {_WARM_UP_S:g} s",
                    remedy="check the laser's temperature, diode current and key switch",
                )
            self._clock.sleep(_POLL_S)


_EMISSION_OFF = "laser emission was switched off and reads off"
